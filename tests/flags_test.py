"""Each flag of each program, from the command line to its effect.

A test declares with covers() which flags of its program it covers; CoverageTest
finds flags without a test.
"""

import json
import os
import pathlib
import re
import unittest
from unittest import mock

from absl.testing import absltest
import numpy as np
from PIL import Image
import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10_distributed_train
from cifar10_compat import cifar10_eval
from cifar10_compat import cifar10_export
from cifar10_compat import cifar10_fast
from cifar10_compat import cifar10_fast_input
from cifar10_compat import cifar10_multi_gpu_train
from cifar10_compat import cifar10_predict
from cifar10_compat import cifar10_train
from cifar10_compat import config as config_lib
from cifar10_compat.base import errors
from cifar10_compat.base import event_writer
from cifar10_compat.base import settings
from cifar10_compat.data import datasets
from cifar10_compat.data import description
from cifar10_compat.data import fetch
from cifar10_compat.distributed import cluster as cluster_lib
from cifar10_compat.training import checkpoint_list
from cifar10_compat.training import checkpoints
from cifar10_compat.training import notes
from cifar10_compat.training import watchdog
from tests.helpers import biased_network
from tests.helpers import main_program
from tests.helpers import record_fixture
from tools.base import processes


def covers(*flags):
  """Declares that the decorated test covers these flags of its program."""

  def mark(test):
    test.flags = flags
    return test

  return mark


def _constant(node):
  return tf.make_ndarray(node.attr['value'].tensor).item()


def _ancestors(graph, name):
  """Returns the set of names of all nodes that a node waits for.

  Args:
    graph: dict from name to NodeDef.
    name: str.
  """
  seen, left = set(), [name]
  while left:
    for source in graph[left.pop()].input:
      source = source.lstrip('^').partition(':')[0]
      if source not in seen:
        seen.add(source)
        left.append(source)
  return seen


class _FlagCase(tf.test.TestCase):
  """A directory with small image sets, and the files of a training run."""

  def setUp(self):
    super().setUp()
    self.root = self.create_tempdir().full_path
    self.train_dir = os.path.join(self.root, 'train')
    self.data_dir = os.path.join(self.root, 'data')
    images, labels = record_fixture.random_images(60)
    record_fixture.write_batches(self.data_dir, images, labels)
    # A custom set with three classes.
    self.own = os.path.join(self.root, 'own')
    os.mkdir(self.own)
    dataset = record_fixture.write_set(
        self.own, images, [label % 3 for label in labels]
    )._replace(class_names=('a', 'b', 'c'))
    pathlib.Path(self.own, description.FILE_NAME).write_text(
        description.describe(dataset)
    )


class _ImageTests:
  """Tests of programs that read an image set.

  Attributes:
    program: the module.
    inputs: name of the function that builds its input.
    nodes(*args): runs the program; returns its graph, {name: NodeDef}.
  """

  inputs = 'distorted_inputs'

  def task(self):
    """Returns flags that the program requires."""
    return ()

  @covers('fast', 'fast_network', 'fast_input', 'precision')
  def test_fast_and_its_parts(self):
    with mock.patch.object(
        cifar10_fast_input,
        self.inputs,
        side_effect=getattr(cifar10_fast_input, self.inputs),
    ) as fast_input:
      for args, network, chunks in (
          (('--fast', '--precision=bfloat16'), True, True),
          (('--fast_input',), False, True),
          (('--fast_network',), True, False),
      ):
        nodes = self.nodes(*args).values()
        self.assertEqual(not network, 'LRN' in {n.op for n in nodes}, args)
        self.assertEqual(chunks, fast_input.called, args)
        fast_input.reset_mock()
        self.assertEqual(
            '--precision=bfloat16' in args,
            {n.attr['T'].type for n in nodes if n.op == 'Conv2D'}
            == {tf.bfloat16.as_datatype_enum},
        )
    with self.assertRaisesRegex(errors.UsageError, 'add --fast_network'):
      self.nodes('--precision=bfloat16')

  @covers('data_dir', 'data_url')
  def test_mirrors_are_asked_first(self):
    with (
        mock.patch.object(
            fetch, 'fetch', side_effect=errors.DataError('none')
        ) as fetched,
        self.assertRaisesRegex(errors.DataError, 'none'),
    ):
      main_program.run(
          self.program,
          '--data_dir=' + os.path.join(self.root, 'empty'),
          '--data_url=http://a/x,http://b',
          *self.task(),
      )
    self.assertEqual(
        [
            'http://a/x/cifar-10-binary.tar.gz',
            'http://b/cifar-10-binary.tar.gz',
            datasets.CIFAR10.sources[0].url,
        ],
        fetched.call_args.args[0],
    )
    self.assertStartsWith(fetched.call_args.args[1], self.root + '/empty/')


class _TrainerTests(_ImageTests):
  """Tests of all trainers."""

  def run_program(self, *args, **kwargs):
    """Trains a step, or as the flags say; returns the printed lines."""
    return main_program.run(
        self.program,
        '--dataset=' + self.own,
        '--train_dir=' + self.train_dir,
        '--batch_size=4',
        '--max_steps=1',
        *args,
        **kwargs,
    )

  train = run_program

  def graph(self, step=1):
    """Returns {name: NodeDef} of the graph that a trainer saved."""
    path = os.path.join(self.train_dir, 'model.ckpt-%d.meta' % step)
    meta_graph = tf.MetaGraphDef.FromString(pathlib.Path(path).read_bytes())
    return {node.name: node for node in meta_graph.graph_def.node}

  def nodes(self, *args):
    self.train('--fresh', *args)
    return self.graph()

  def steps(self):
    """Returns the steps of the checkpoints in train_dir."""
    return [c.step for c in checkpoint_list.complete(self.train_dir)]

  def weights(self, step):
    path = os.path.join(self.train_dir, 'model.ckpt-%d' % step)
    return tf.train.load_variable(path, 'local3/weights')

  def shape(self, key):
    reader = tf.train.load_checkpoint(self.train_dir)
    return reader.get_variable_to_shape_map()[key]

  @covers('allow_growth', 'log_device_placement')
  def test_session_config(self):
    for flag in ('allow_growth', 'log_device_placement'):
      with mock.patch.object(
          tf.train,
          'ChiefSessionCreator',
          side_effect=tf.train.ChiefSessionCreator,
      ) as made:
        self.train('--fresh', '--' + flag)
      config = made.call_args_list[0].kwargs['config']
      self.assertEqual(
          (flag == 'allow_growth', flag == 'log_device_placement'),
          (config.gpu_options.allow_growth, config.log_device_placement),
      )


class TrainTest(_TrainerTests, _FlagCase):
  """The trainers that run in one process."""

  program = cifar10_train

  @covers('queue_fraction', 'model', 'profile_steps', 'batch_size')
  def test_a_run(self):
    lines = self.train(
        '--dataset=cifar10',
        '--data_dir=' + self.data_dir,
        '--queue_fraction=0.001',
        '--max_steps=2',
        '--model=conv_local',
        '--profile_steps=1',
    )
    # 0.001 of CIFAR-10's 50,000 images.
    self.assertStartsWith(lines[0], 'Filling queue with 50 CIFAR images')
    self.assertEqual([0, 2], self.steps())
    self.assertEqual(4, _constant(self.graph(2)['shuffle_batch/n']))
    self.assertEqual([6, 6, 3, 3, 64, 64], self.shape('local3/weights'))
    self.assertEqual(
        ['timeline-1.json'],
        [n for n in os.listdir(self.train_dir) if n.startswith('timeline')],
    )

  @covers('dataset', 'fresh', 'train_dir', 'max_steps')
  def test_own_set_and_a_fresh_start(self):
    self.train('--max_steps=2')
    self.assertEqual([0, 2], self.steps())
    self.assertEqual([3], self.shape('softmax_linear/biases'))
    self.train('--fresh')
    self.assertEqual([0, 1], self.steps())

  @covers('keep_checkpoints')
  def test_kept_checkpoints(self):
    self.train('--max_steps=2', '--keep_checkpoints=1')
    self.assertEqual([2], self.steps())

  @covers('seed')
  def test_initial_weights_of_a_seed(self):
    weights = []
    for seed in ('--seed=1', '--seed=2', '--seed=1', '--max_steps=1'):
      self.train('--fresh', seed)
      weights.append(self.weights(0))
    self.assertAllEqual(weights[0], weights[2])
    self.assertNotAllClose(weights[0], weights[1])
    self.assertNotAllClose(weights[0], weights[3])

  @covers('deterministic')
  def test_deterministic(self):
    with self.assertRaisesRegex(errors.UsageError, 'add --seed=1'):
      self.train('--deterministic')
    weights = []
    for _ in range(2):
      self.train('--deterministic', '--max_steps=3', '--seed=5', '--fresh')
      weights.append(self.weights(3))
    self.assertAllEqual(*weights)
    graph = self.graph(3)
    [queue] = [n for n in graph.values() if n.op == 'RandomShuffleQueueV2']
    self.assertEqual(
        queue.attr['min_after_dequeue'].i + 1, queue.attr['capacity'].i
    )
    # Two runs do not reveal an order that threads hardly ever change: an
    # average reads its variable after the update, and the update comes after
    # the loss.
    updates = {
        name for name, n in graph.items() if n.op == 'ApplyGradientDescent'
    }
    averages = [
        name
        for name in graph
        if re.fullmatch(
            r'ExponentialMovingAverage/AssignMovingAvg(_\d+)?', name
        )
    ]
    self.assertLen(averages, 10)
    for name in averages:
      self.assertContainsSubset(updates, _ancestors(graph, name))
    # The sum of loss and weight decay, which no gradient needs.
    losses = {n for n in graph if re.fullmatch(r'(.*/)?total_loss(_1)?', n)}
    for name in updates:
      self.assertNotEmpty(losses & _ancestors(graph, name))

  @covers('learning_rate')
  def test_learning_rate(self):
    self.train()
    lines = self.train('--max_steps=2', '--learning_rate=0.025')
    self.assertIn('From step 1, the learning rate is 0.025 (was 0.1).', lines)
    self.assertEqual(
        np.float32(0.025),
        _constant(self.graph(2)['ExponentialDecay/initial_learning_rate']),
    )

  @covers('stall_secs')
  def test_training_that_stands_still(self):
    # A check every millisecond sees every step stall.
    small = ('--batch_size=16', '--max_steps=30')
    with mock.patch.object(watchdog, '_TICK_SECS', 0.001):
      with self.assertRaisesRegex(errors.StalledError, 'stalled for 0 s'):
        self.train(*small, '--stall_secs=0.001')
      self.train(*small, '--stall_secs=0')
    self.assertEqual(30, self.steps()[-1])


class MultiGpuTrainTest(TrainTest):
  """Flags that towers share with the trainer of one device, and their own."""

  program = cifar10_multi_gpu_train

  @covers(
      'num_gpus', 'tower_devices', 'shared_input', 'decay_by_examples', 'model',
      'batch_size',
  )  # fmt: skip
  def test_a_run(self):
    self.train(
        '--num_gpus=2',
        '--tower_devices=cpu',
        '--shared_input',
        '--decay_by_examples',
        '--model=conv_local',
    )
    graph = self.graph()
    self.assertEqual('/device:CPU:1', graph['tower_1/conv1/Conv2D'].device)
    self.assertNotIn('tower_2/conv1/Conv2D', graph)
    self.assertIn('prefetch_queue', graph)
    self.assertLen(
        [n for n in graph.values() if n.op == 'RandomShuffleQueueV2'], 1
    )
    # 350 epochs of 60 images in updates of 2 x 4.
    self.assertEqual(60 * 350 // 8, _constant(graph['ExponentialDecay/Cast/x']))
    self.assertEqual([6, 6, 3, 3, 64, 64], self.shape('local3/weights'))


class DistributedTrainTest(_TrainerTests, _FlagCase):
  """A chief and a parameter server in this process."""

  program = cifar10_distributed_train

  def setUp(self):
    super().setUp()
    self._choose_addresses()

  def _choose_addresses(self):
    self.ps, self.worker, self.other = processes.free_addresses(3)

  def task(self, job='worker', index=0, workers=None):
    return (
        '--job_name=' + job,
        '--task_index=%d' % index,
        '--ps_hosts=' + self.ps,
        '--worker_hosts=' + (workers or self.worker),
    )

  def _start_ps(self):
    self.server = cluster_lib.start_server(
        cluster_lib.from_flags(
            'ps', 0, ps_hosts=[self.ps], worker_hosts=[self.worker]
        )
    )

  def train(self, *args):
    """Trains with one asynchronous worker."""
    # A server keeps its port until the process ends.
    self._choose_addresses()
    self._start_ps()
    return self.run_program(*self.task(), '--sync=false', *args)

  def _train_alone(self, steps):
    main_program.run(
        cifar10_train,
        '--dataset=' + self.own,
        '--train_dir=' + self.train_dir,
        '--batch_size=4',
        '--max_steps=%d' % steps,
    )

  @covers(
      'job_name', 'task_index', 'ps_hosts', 'worker_hosts', 'sync', 'max_steps',
      'train_dir', 'batch_size', 'dataset', 'model', 'fresh', 'seed',
      'learning_rate', 'keep_checkpoints',
  )  # fmt: skip
  def test_a_fresh_run_of_one_asynchronous_worker(self):
    self._train_alone(3)
    self.assertEqual([0, 3], self.steps())
    lines = self.train(
        '--fresh',
        '--max_steps=2',
        '--model=conv_local',
        '--seed=23',
        '--learning_rate=0.25',
        '--keep_checkpoints=1',
    )
    self.assertIn('port ' + self.worker.rpartition(':')[2], lines[0])
    self.assertEqual([2], self.steps())
    graph = self.graph(2)
    self.assertNotIn('sync_replicas', str(sorted(graph)))
    self.assertEqual(4, graph['Placeholder'].attr['shape'].shape.dim[0].size)
    weights = graph[
        'conv1/weights/Initializer/truncated_normal/TruncatedNormal'
    ]
    self.assertEqual(23, weights.attr['seed'].i)
    self.assertEqual(
        0.25, _constant(graph['ExponentialDecay/initial_learning_rate'])
    )
    self.assertEqual([3], self.shape('softmax_linear/biases'))
    self.assertEqual([6, 6, 3, 3, 64, 64], self.shape('local3/weights'))

  @covers('replicas_to_aggregate', 'decay_by_examples', 'ps_timeout_secs')
  def test_a_chief_that_does_without_the_other_worker(self):
    self._start_ps()
    with mock.patch.object(
        cluster_lib, 'ps_watchdog', side_effect=cluster_lib.ps_watchdog
    ) as watchdog_of_ps:
      self.run_program(
          *self.task(workers='%s,%s' % (self.worker, self.other)),
          '--replicas_to_aggregate=1',
          '--decay_by_examples',
          '--learning_rate=0.25',
          '--ps_timeout_secs=77',
          stopped=True,
      )
    self.assertEqual(77, watchdog_of_ps.call_args.args[1])
    graph = self.graph(0)
    for name, expected in (
        ('sync_replicas/ResourceAccumulatorTakeGradient/num_required', 1),
        ('ExponentialDecay/initial_learning_rate', 0.25),
        # An update uses the images of one worker.
        ('ExponentialDecay/Cast/x', 60 * 350 // 4),
    ):
      self.assertEqual(expected, _constant(graph[name]))

  @covers('connect_secs')
  def test_nobody_there(self):
    with self.assertRaisesRegex(
        errors.UsageError, 'ps 0 at .* within 0.1 seconds'
    ):
      self.run_program(*self.task(), '--connect_secs=0.1')
    self._start_ps()
    with self.assertRaisesRegex(
        errors.UsageError, 'worker 0 .* within 0.2 seconds'
    ):
      self.run_program(
          *self.task('worker', 1, '%s,%s' % (self.worker, self.other)),
          '--connect_secs=0.2',
      )

  @covers('chief_timeout_secs')
  def test_a_ps_that_is_told_to_stop(self):
    with mock.patch.object(
        cluster_lib, 'chief_watchdog', side_effect=cluster_lib.chief_watchdog
    ) as watchdog_of_chief:
      lines = self.run_program(
          *self.task('ps'), '--chief_timeout_secs=78', stopped=True
      )
    self.assertStartsWith(lines[0], 'ps 0: TensorFlow listens on port ')
    self.assertEqual(78, watchdog_of_chief.call_args.args[1])

  @covers('allow_remote')
  def test_other_machines(self):
    far = (*self.task(), '--ps_hosts=10.0.0.1:1', '--connect_secs=0.1')
    with self.assertRaisesRegex(errors.UsageError, 'on another machine'):
      self.run_program(*far)
    with (
        mock.patch.object(cluster_lib, 'answers', return_value=False),
        self.assertRaisesRegex(
            errors.UsageError, '^ps 0 at 10.0.0.1:1 did not'
        ),
    ):
      self.run_program(*far, '--allow_remote')

  @covers('eval_dir')
  def test_an_evaluator(self):
    # Without a checkpoint nothing is written.
    self._train_alone(1)
    eval_dir = os.path.join(self.root, 'eval')
    config = {
        'cluster': {'ps': [self.ps], 'worker': [self.worker]},
        'task': {'type': 'evaluator', 'index': 0},
    }
    with mock.patch.dict(os.environ, TF_CONFIG=json.dumps(config)):
      self.run_program('--eval_dir=' + eval_dir, stopped=True)
    # Event files and their metadata file.
    self.assertLen(os.listdir(eval_dir), 2)


class _CheckpointTests:
  """A network that is certain of 3 with its averages, and of 5 without."""

  def setUp(self):
    super().setUp()
    self.checkpoint_dir = os.path.join(self.root, 'trained')
    biased_network.save(
        self.checkpoint_dir,
        7,
        averaged=biased_network.sure_of(3),
        raw=biased_network.sure_of(5),
    )

  @covers('dataset', 'model')
  def test_other_set_and_model(self):
    for flag, expected in (
        ('--dataset=' + self.own, 'softmax_linear/'),
        ('--model=conv_local', 'local3/'),
    ):
      with self.assertRaisesRegex(errors.CheckpointError, expected):
        self.run_program(flag)


class EvalTest(_CheckpointTests, _ImageTests, _FlagCase):

  program = cifar10_eval
  inputs = 'inputs'

  def setUp(self):
    super().setUp()
    self.eval_dir = os.path.join(self.root, 'eval')
    images, _ = record_fixture.random_images(10)
    # Of the test images 4 have label 3 and 1 has label 5; of the training
    # images, in five files, 2 have label 3 and 8 have label 9.
    directory = record_fixture.write_batches(
        self.data_dir, images, [3] * 2 + [9] * 8
    )
    pathlib.Path(directory, 'test_batch.bin').write_bytes(
        b''.join(map(record_fixture.record, [3] * 4 + [5] + [9] * 5, images))
    )

  def run_program(self, *args):
    return main_program.run(
        cifar10_eval,
        '--data_dir=' + self.data_dir,
        '--checkpoint_dir=' + self.checkpoint_dir,
        '--eval_dir=' + self.eval_dir,
        '--run_once',
        *args,
    )

  def _precision(self, *args):
    last = self.run_program(*args)[-1]
    return float(re.search(r'precision @ 1 = ([\d.]+)$', last)[1])

  def nodes(self, *args):
    with mock.patch.object(
        event_writer.EventWriter,
        '__init__',
        autospec=True,
        side_effect=event_writer.EventWriter.__init__,
    ) as writer:
      self.assertEqual(0.4, self._precision('--batch_size=3', *args))
    return {n.name: n for n in writer.call_args.args[2].as_graph_def().node}

  @covers(
      'data_dir', 'checkpoint_dir', 'eval_dir', 'run_once', 'averaged',
      'eval_data', 'num_examples',
  )  # fmt: skip
  def test_what_is_scored(self):
    self.assertEqual(0.4, self._precision())
    # The metadata file is beside the events.
    self.assertLen(os.listdir(self.eval_dir), 2)
    self.assertIn(notes.FILENAME, os.listdir(self.eval_dir))
    self.assertEqual(0.1, self._precision('--averaged=false'))
    self.assertEqual(0.2, self._precision('--eval_data=train_eval'))
    self.assertEqual(1.0, self._precision('--num_examples=4'))

  @covers('count', 'batch_size')
  def test_how_it_is_counted(self):
    # Two batches of 3 draws.
    precision = self._precision(
        '--count=historical', '--num_examples=5', '--batch_size=3'
    )
    self.assertNear(round(precision * 6), precision * 6, 0.01)

  @covers('views', 'device', 'allow_growth')
  def test_graph_and_session(self):
    with mock.patch.object(tf, 'Session', side_effect=tf.Session) as session:
      nodes = self.nodes('--views=10', '--device=/cpu:0', '--allow_growth')
    self.assertTrue(session.call_args.kwargs['config'].gpu_options.allow_growth)
    self.assertEqual('/device:CPU:0', nodes['conv1/Conv2D'].device)
    # Five crops, and their mirror images.
    self.assertLen([n for n in nodes.values() if n.op == 'ReverseV2'], 5)
    self.assertEqual(0.4, self._precision('--fast', '--views=10'))

  @covers('eval_interval_secs')
  def test_interval(self):
    waited = []

    def sleep(stop, secs):
      waited.append(secs)
      stop.signum = 2
      return True

    with mock.patch('cifar10_compat.base.signals.StopRequest.sleep', sleep):
      self.run_program(
          '--checkpoint_dir=' + os.path.join(self.root, 'none'),
          '--run_once=false',
          '--eval_interval_secs=42',
      )
    self.assertEqual([42], waited)


class PredictTest(_CheckpointTests, _FlagCase):

  program = cifar10_predict

  def setUp(self):
    super().setUp()
    self.pictures = []
    for i in range(3):
      self.pictures.append(os.path.join(self.root, '%d.png' % i))
      Image.new('RGB', (32, 32), (i, 0, 0)).save(self.pictures[-1])

  def run_program(self, *args):
    return main_program.run(
        cifar10_predict,
        '--checkpoint_dir=' + self.checkpoint_dir,
        *args,
        *self.pictures,
    )

  @covers('checkpoint_dir', 'averaged', 'top_k', 'json')
  def test_what_is_printed(self):
    lines = self.run_program('--top_k=2')
    self.assertLen(lines, 3)
    self.assertStartsWith(lines[0], self.pictures[0] + '\tcat 1.000\t')
    self.assertLen(lines[0].split('\t'), 3)
    lines = self.run_program('--json', '--averaged=false')
    best = json.loads(lines[2])['predictions'][0]
    self.assertEqual(('dog', 1.0), (best['class'], best['probability']))

  @covers('white')
  def test_sixteen_bits(self):
    self.pictures.append(os.path.join(self.root, '16.png'))
    Image.fromarray(np.full((32, 32), 1000, np.uint16)).save(self.pictures[-1])
    self.assertLen(self.run_program('--white=1000'), 4)
    with self.assertRaisesRegex(errors.DataError, '1 of 4 files'):
      self.run_program('--white=999')

  @covers('fast', 'fast_network', 'precision')
  def test_fast(self):
    with mock.patch.object(
        cifar10_fast, 'inference', side_effect=cifar10_fast.inference
    ) as fast:
      for args, precision in (
          (('--fast',), 'float32'),
          (('--fast_network', '--precision=bfloat16'), 'bfloat16'),
      ):
        lines = self.run_program(*args)
        self.assertStartsWith(lines[2], self.pictures[2] + '\tcat 1.000\t')
        self.assertEqual(precision, fast.call_args.args[1].precision)

  @covers('batch_size')
  def test_batches(self):
    session_run = tf.Session.run
    sizes = []

    def run(session, fetches, feed_dict=None):
      sizes.extend(len(images) for images in (feed_dict or {}).values())
      return session_run(session, fetches, feed_dict)

    with mock.patch.object(tf.Session, 'run', run):
      self.run_program('--batch_size=2')
    self.assertEqual([2, 1], sizes[-2:])


class ExportTest(_FlagCase):

  program = cifar10_export

  @covers('checkpoint_dir', 'export_dir', 'averaged', 'dataset', 'model')
  def test_flags(self):
    out = os.path.join(self.root, 'out')
    newest = checkpoints.Checkpoint('model.ckpt-7', 7, None)
    with (
        mock.patch.object(
            checkpoint_list, 'newest', return_value=newest
        ) as looked_for,
        mock.patch.object(
            checkpoints.Checkpoint, 'restore', side_effect=KeyError
        ) as restored,
        mock.patch.object(
            tf.train, 'Saver', side_effect=tf.train.Saver
        ) as saver,
        self.assertRaises(KeyError),
    ):
      main_program.run(
          cifar10_export,
          '--checkpoint_dir=' + self.root,
          '--export_dir=' + out,
          '--averaged=false',
          '--dataset=svhn',
          '--model=conv_local',
      )
    looked_for.assert_called_once_with(self.root)
    config = restored.call_args.args[-1]
    self.assertEqual(
        (datasets.SVHN, config_lib.CONV_LOCAL, False),
        (config.dataset, config.model, config.averaged),
    )
    self.assertEqual(
        [6, 6, 3, 3, 64, 64],
        saver.call_args.args[0]['local3/weights'].shape.as_list(),
    )

    os.mkdir(out)
    pathlib.Path(out, 'there').touch()
    with self.assertRaisesRegex(errors.UsageError, out + ' already exists'):
      main_program.run(cifar10_export, '--export_dir=' + out)

  @covers('format')
  def test_format(self):
    for form in ('saved_model', 'keras', 'litert'):
      with mock.patch.object(
          cifar10_export, 'export', return_value='model.ckpt-1'
      ) as export:
        main_program.run(
            cifar10_export, '--checkpoint_dir=' + self.root, '--format=' + form
        )
      self.assertEqual(form, export.call_args.args[0].format)


class CoverageTest(absltest.TestCase):

  def test_every_flag_of_every_program_has_a_test(self):
    for case in (
        TrainTest,
        MultiGpuTrainTest,
        DistributedTrainTest,
        EvalTest,
        PredictTest,
        ExportTest,
    ):
      with self.subTest(case.__name__):
        covered = set()
        for name in unittest.defaultTestLoader.getTestCaseNames(case):
          covered.update(getattr(getattr(case, name), 'flags', ()))
        program = main_program.config_of(case.program)
        self.assertEqual(set(settings.fields(program)), covered)
