"""Each flag of cifar10_distributed_train, through its own main."""

import json
import os
from unittest import mock

import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10_distributed_train
from cifar10_compat import cifar10_fast_input
from cifar10_compat import cifar10_train
from cifar10_compat.base import errors
from cifar10_compat.distributed import cluster as cluster_lib
from tests.helpers import flag_case
from tests.helpers import main_program
from tools.base import processes


class DistributedTrainTest(flag_case.FlagCase):
  """A chief and a parameter server in this process."""

  def setUp(self):
    super().setUp()
    self.ps, self.worker, self.other = processes.free_addresses(3)

  def _task(self, job, index=0, workers=None):
    return (
        '--job_name=' + job,
        '--task_index=%d' % index,
        '--ps_hosts=' + self.ps,
        '--worker_hosts=' + (workers or self.worker),
    )

  def _start_ps(self):
    cluster = cluster_lib.from_flags(
        'ps', 0, ps_hosts=[self.ps], worker_hosts=[self.worker]
    )
    self.server = cluster_lib.start_server(cluster)

  def _run(self, *args, **kwargs):
    return main_program.run(
        cifar10_distributed_train,
        '--dataset=' + self.own,
        '--train_dir=' + self.train_dir,
        '--batch_size=4',
        *args,
        **kwargs,
    )

  @flag_case.covers(
      cifar10_distributed_train, 'job_name', 'task_index', 'ps_hosts'
  )
  @flag_case.covers(
      cifar10_distributed_train, 'worker_hosts', 'sync', 'max_steps'
  )
  @flag_case.covers(
      cifar10_distributed_train, 'train_dir', 'batch_size', 'dataset'
  )
  @flag_case.covers(cifar10_distributed_train, 'model', 'fresh', 'seed')
  @flag_case.covers(
      cifar10_distributed_train, 'learning_rate', 'keep_checkpoints'
  )
  def test_a_fresh_run_of_one_asynchronous_worker(self):
    main_program.run(
        cifar10_train,
        '--dataset=' + self.own,
        '--train_dir=' + self.train_dir,
        '--batch_size=4',
        '--max_steps=3',
    )
    self.assertEqual([0, 3], self.steps())
    self._start_ps()
    lines = self._run(
        *self._task('worker'),
        '--sync=false',
        '--fresh',
        '--max_steps=2',
        '--model=conv_local',
        '--seed=23',
        '--learning_rate=0.25',
        '--keep_checkpoints=1',
    )
    self.assertIn('port ' + self.worker.rpartition(':')[2], lines[0])
    self.assertEqual([2], self.steps())
    graph = flag_case.graph(self.train_dir, 2)
    self.assertNotIn('sync_replicas', str(sorted(graph)))
    self.assertEqual(4, graph['Placeholder'].attr['shape'].shape.dim[0].size)
    weights = graph[
        'conv1/weights/Initializer/truncated_normal/TruncatedNormal'
    ]
    self.assertEqual(23, weights.attr['seed'].i)
    self.assertEqual(
        0.25,
        flag_case.constant(graph['ExponentialDecay/initial_learning_rate']),
    )
    self.assertEqual([3], self.shape('softmax_linear/biases'))
    self.assertEqual([6, 6, 3, 3, 64, 64], self.shape('local3/weights'))

  @flag_case.covers(cifar10_distributed_train, 'replicas_to_aggregate')
  @flag_case.covers(
      cifar10_distributed_train, 'decay_by_examples', 'ps_timeout_secs'
  )
  @flag_case.covers(
      cifar10_distributed_train, 'allow_growth', 'log_device_placement'
  )
  def test_a_chief_that_does_without_the_other_worker(self):
    self._start_ps()
    with (
        mock.patch.object(
            cluster_lib, 'ps_watchdog', side_effect=cluster_lib.ps_watchdog
        ) as watchdog,
        mock.patch.object(
            tf.train,
            'ChiefSessionCreator',
            side_effect=tf.train.ChiefSessionCreator,
        ) as creator,
    ):
      self._run(
          *self._task('worker', workers='%s,%s' % (self.worker, self.other)),
          '--replicas_to_aggregate=1',
          '--max_steps=1',
          '--decay_by_examples',
          '--learning_rate=0.25',
          '--ps_timeout_secs=77',
          '--allow_growth',
          '--log_device_placement',
          stopped=True,
      )
    self.assertEqual(77, watchdog.call_args.args[1])
    config = creator.call_args_list[0].kwargs['config']
    self.assertTrue(config.gpu_options.allow_growth)
    self.assertTrue(config.log_device_placement)
    graph = flag_case.graph(self.train_dir, 0)
    self.assertEqual(
        1,
        flag_case.constant(
            graph['sync_replicas/ResourceAccumulatorTakeGradient/num_required']
        ),
    )
    self.assertEqual(
        0.25,
        flag_case.constant(graph['ExponentialDecay/initial_learning_rate']),
    )
    # An update uses the images of one worker.
    self.assertEqual(
        60 * 350 // 4, flag_case.constant(graph['ExponentialDecay/Cast/x'])
    )

  @flag_case.covers(
      cifar10_distributed_train, 'fast', 'fast_network', 'fast_input'
  )
  @flag_case.covers(cifar10_distributed_train, 'precision')
  def test_fast(self):
    with mock.patch.object(
        cifar10_fast_input,
        'distorted_inputs',
        side_effect=cifar10_fast_input.distorted_inputs,
    ) as fast_input:
      for args, network, chunks in (
          (('--fast', '--precision=bfloat16'), True, True),
          (('--fast_input',), False, True),
          (('--fast_network',), True, False),
      ):
        # A server keeps its port until the process ends.
        self.ps, self.worker, self.other = processes.free_addresses(3)
        self._start_ps()
        self._run(
            *self._task('worker'),
            '--sync=false',
            '--max_steps=1',
            '--fresh',
            *args,
        )
        graph = flag_case.graph(self.train_dir, 1).values()
        self.assertEqual(not network, 'LRN' in {n.op for n in graph}, args)
        self.assertEqual(chunks, fast_input.called, args)
        fast_input.reset_mock()
        self.assertEqual(
            '--precision=bfloat16' in args,
            {n.attr['T'].type for n in graph if n.op == 'Conv2D'}
            == {tf.bfloat16.as_datatype_enum},
        )

  @flag_case.covers(cifar10_distributed_train, 'connect_secs')
  def test_nobody_there(self):
    with self.assertRaisesRegex(
        errors.UsageError, 'within 0.1 seconds from ps'
    ):
      self._run(*self._task('worker'), '--connect_secs=0.1')
    self._start_ps()
    with self.assertRaisesRegex(
        errors.UsageError, 'worker 0 .* within 0.2 seconds'
    ):
      self._run(
          *self._task('worker', 1, '%s,%s' % (self.worker, self.other)),
          '--connect_secs=0.2',
      )

  @flag_case.covers(cifar10_distributed_train, 'chief_timeout_secs')
  def test_a_ps_that_is_told_to_stop(self):
    with mock.patch.object(
        cluster_lib, 'chief_watchdog', side_effect=cluster_lib.chief_watchdog
    ) as watchdog:
      lines = self._run(
          *self._task('ps'), '--chief_timeout_secs=78', stopped=True
      )
    self.assertStartsWith(lines[0], 'ps 0: TensorFlow listens on port ')
    self.assertEqual(78, watchdog.call_args.args[1])

  @flag_case.covers(cifar10_distributed_train, 'allow_remote')
  def test_other_machines(self):
    far = ('--job_name=worker', '--ps_hosts=10.0.0.1:1', '--connect_secs=0.1')
    workers = '--worker_hosts=' + self.worker
    with self.assertRaisesRegex(errors.UsageError, 'on another machine'):
      self._run(*far, workers)
    with (
        mock.patch.object(cluster_lib, 'answers', return_value=False),
        self.assertRaisesRegex(errors.UsageError, 'from ps 0 at 10.0.0.1:1'),
    ):
      self._run(*far, workers, '--allow_remote')

  @flag_case.covers(cifar10_distributed_train, 'data_dir', 'data_url')
  def test_images(self):
    urls = self.fetched_from(
        cifar10_distributed_train, *self._task('worker'), '--data_url=http://a'
    )
    self.assertStartsWith(urls[0], 'http://a/')

  @flag_case.covers(cifar10_distributed_train, 'eval_dir')
  def test_an_evaluator(self):
    # Without a checkpoint nothing is written.
    main_program.run(
        cifar10_train,
        '--dataset=' + self.own,
        '--train_dir=' + self.train_dir,
        '--batch_size=4',
        '--max_steps=1',
    )
    eval_dir = os.path.join(self.root, 'eval')
    config = {
        'cluster': {'ps': [self.ps], 'worker': [self.worker]},
        'task': {'type': 'evaluator', 'index': 0},
    }
    with mock.patch.dict(os.environ, TF_CONFIG=json.dumps(config)):
      self._run('--eval_dir=' + eval_dir, stopped=True)
    # Event files and their metadata file.
    self.assertLen(os.listdir(eval_dir), 2)


class CoverageTest(flag_case.FlagCase):

  def test_every_flag_of_every_program_has_a_test(self):
    self.assert_covered(cifar10_distributed_train)
