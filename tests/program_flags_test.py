"""Each flag of the programs that use a checkpoint, through their main()."""

import json
import os
import re
from unittest import mock

import numpy as np
from PIL import Image
import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10_eval
from cifar10_compat import cifar10_export
from cifar10_compat import cifar10_fast
from cifar10_compat import cifar10_predict
from cifar10_compat import config as config_lib
from cifar10_compat.base import errors
from cifar10_compat.base import event_writer
from cifar10_compat.data import datasets
from cifar10_compat.training import checkpoints
from cifar10_compat.training import notes
from tests.helpers import biased_network
from tests.helpers import flag_case
from tests.helpers import main_program
from tests.helpers import record_fixture


class EvalTest(flag_case.FlagCase):
  """A network that is certain of 3 with its averages, and of 5 without."""

  def setUp(self):
    super().setUp()
    self.eval_dir = os.path.join(self.root, 'eval')
    biased_network.save(
        self._directory('trained'),
        7,
        averaged=biased_network.sure_of(3),
        raw=biased_network.sure_of(5),
    )
    images, _ = record_fixture.random_images(10)
    # Of the test images 4 have label 3 and 1 has label 5; of the training
    # images, in five files, 2 have label 3 and 8 have label 9.
    directory = record_fixture.write_batches(
        self.data_dir, images, [3] * 2 + [9] * 8
    )
    contents = b''.join(
        record_fixture.record(label, image)
        for label, image in zip([3] * 4 + [5] + [9] * 5, images)
    )
    with open(os.path.join(directory, 'test_batch.bin'), 'wb') as f:
      f.write(contents)

  def _directory(self, name):
    path = os.path.join(self.root, name)
    os.makedirs(path, exist_ok=True)
    return path

  def _event_writer(self):
    """Context that yields the calls of the event writer's __init__()."""
    return mock.patch.object(
        event_writer.EventWriter,
        '__init__',
        autospec=True,
        side_effect=event_writer.EventWriter.__init__,
    )

  def _precision(self, *args, checkpoint_dir='trained'):
    lines = main_program.run(
        cifar10_eval,
        '--data_dir=' + self.data_dir,
        '--checkpoint_dir=' + self._directory(checkpoint_dir),
        '--eval_dir=' + self.eval_dir,
        '--run_once',
        *args,
    )
    return float(re.search(r'precision @ 1 = ([\d.]+)$', lines[-1])[1])

  @flag_case.covers(
      cifar10_eval, 'data_dir', 'checkpoint_dir', 'eval_dir', 'run_once'
  )
  @flag_case.covers(cifar10_eval, 'averaged', 'eval_data', 'num_examples')
  def test_what_is_scored(self):
    self.assertEqual(0.4, self._precision())
    # The metadata file is beside the events.
    self.assertLen(os.listdir(self.eval_dir), 2)
    self.assertIn(notes.FILENAME, os.listdir(self.eval_dir))
    self.assertEqual(0.1, self._precision('--averaged=false'))
    self.assertEqual(0.2, self._precision('--eval_data=train_eval'))
    self.assertEqual(1.0, self._precision('--num_examples=4'))

  @flag_case.covers(cifar10_eval, 'count', 'batch_size')
  def test_how_it_is_counted(self):
    # Two batches of 3 draws.
    precision = self._precision(
        '--count=historical', '--num_examples=5', '--batch_size=3'
    )
    self.assertNear(round(precision * 6), precision * 6, 0.01)

  @flag_case.covers(cifar10_eval, 'views', 'device', 'allow_growth')
  def test_graph_and_session(self):
    with (
        mock.patch.object(tf, 'Session', side_effect=tf.Session) as session,
        self._event_writer() as writer,
    ):
      self._precision('--views=10', '--device=/cpu:0', '--allow_growth')
    self.assertTrue(session.call_args.kwargs['config'].gpu_options.allow_growth)
    graph = writer.call_args.args[2]
    self.assertEqual(
        '/device:CPU:0', graph.get_operation_by_name('conv1/Conv2D').device
    )
    # Five crops, and their mirror images.
    self.assertLen(
        [op for op in graph.get_operations() if op.type == 'ReverseV2'], 5
    )

  @flag_case.covers(cifar10_eval, 'fast', 'fast_network', 'fast_input')
  @flag_case.covers(cifar10_eval, 'precision')
  def test_fast(self):
    for args, network, chunks in (
        (('--fast', '--precision=bfloat16'), True, True),
        (('--fast', '--views=10'), True, True),
        (('--fast_network',), True, False),
        (('--fast_input', '--batch_size=3'), False, True),
    ):
      with self._event_writer() as writer:
        self.assertEqual(0.4, self._precision(*args))
      operations = writer.call_args.args[2].get_operations()
      types = {op.type for op in operations}
      self.assertEqual(not network, 'LRN' in types, args)
      self.assertEqual(chunks, 'ReaderReadUpToV2' in types, args)
      self.assertEqual(
          '--precision=bfloat16' in args,
          {op.outputs[0].dtype for op in operations if op.type == 'Conv2D'}
          == {tf.bfloat16},
      )

  @flag_case.covers(cifar10_eval, 'dataset', 'model')
  def test_other_set_and_model(self):
    for flag, expected in (
        ('--dataset=' + self.own, 'softmax_linear/'),
        ('--model=conv_local', 'local3/'),
    ):
      with self.assertRaisesRegex(errors.CheckpointError, expected):
        self._precision(flag)
      # A directory takes the events of one set and one model only.
      self.eval_dir = self._directory('eval of ' + expected[:6])

  @flag_case.covers(cifar10_eval, 'data_url')
  def test_images(self):
    urls = self.fetched_from(cifar10_eval, '--data_url=http://a')
    self.assertStartsWith(urls[0], 'http://a/')

  @flag_case.covers(cifar10_eval, 'eval_interval_secs')
  def test_interval(self):
    waited = []

    def sleep(stop, secs):
      waited.append(secs)
      stop.signum = 2
      return True

    with mock.patch('cifar10_compat.base.signals.StopRequest.sleep', sleep):
      main_program.run(
          cifar10_eval,
          '--data_dir=' + self.data_dir,
          '--checkpoint_dir=' + self._directory('none'),
          '--eval_dir=' + self.eval_dir,
          '--eval_interval_secs=42',
      )
    self.assertEqual([42], waited)


class PredictTest(flag_case.FlagCase):

  def setUp(self):
    super().setUp()
    self.checkpoint_dir = os.path.join(self.root, 'trained')
    os.mkdir(self.checkpoint_dir)
    biased_network.save(
        self.checkpoint_dir,
        7,
        averaged=biased_network.sure_of(3),
        raw=biased_network.sure_of(5),
    )
    self.pictures = []
    for i in range(3):
      self.pictures.append(os.path.join(self.root, '%d.png' % i))
      Image.new('RGB', (32, 32), (i, 0, 0)).save(self.pictures[-1])
    self.addCleanup(os.chdir, os.getcwd())

  def _run(self, *args):
    return main_program.run(
        cifar10_predict,
        '--checkpoint_dir=' + self.checkpoint_dir,
        *args,
        *self.pictures,
    )

  @flag_case.covers(
      cifar10_predict, 'checkpoint_dir', 'averaged', 'top_k', 'json'
  )
  def test_what_is_printed(self):
    lines = self._run('--top_k=2')
    self.assertLen(lines, 3)
    self.assertStartsWith(lines[0], self.pictures[0] + '\tcat 1.000\t')
    self.assertLen(lines[0].split('\t'), 3)
    lines = self._run('--json', '--averaged=false')
    best = json.loads(lines[2])['predictions'][0]
    self.assertEqual(('dog', 1.0), (best['class'], best['probability']))

  @flag_case.covers(cifar10_predict, 'white')
  def test_sixteen_bits(self):
    self.pictures.append(os.path.join(self.root, '16.png'))
    Image.fromarray(np.full((32, 32), 1000, np.uint16)).save(self.pictures[-1])
    self.assertLen(self._run('--white=1000'), 4)
    with self.assertRaisesRegex(errors.DataError, '1 of 4 files'):
      self._run('--white=999')

  @flag_case.covers(cifar10_predict, 'fast', 'fast_network', 'precision')
  def test_fast(self):
    inference = cifar10_fast.inference
    with mock.patch.object(
        cifar10_fast, 'inference', side_effect=inference
    ) as fast:
      for args, precision in (
          (('--fast',), 'float32'),
          (('--fast_network', '--precision=bfloat16'), 'bfloat16'),
      ):
        lines = self._run(*args)
        self.assertStartsWith(lines[2], self.pictures[2] + '\tcat 1.000\t')
        self.assertEqual(precision, fast.call_args.args[1].precision)

  @flag_case.covers(cifar10_predict, 'dataset', 'model', 'batch_size')
  def test_set_model_and_batch(self):
    with self.assertRaisesRegex(errors.CheckpointError, 'softmax_linear/'):
      self._run('--dataset=' + self.own)
    with self.assertRaisesRegex(errors.CheckpointError, 'local3/'):
      self._run('--model=conv_local')
    session_run = tf.Session.run
    sizes = []

    def run(session, fetches, feed_dict=None):
      sizes.extend(len(images) for images in (feed_dict or {}).values())
      return session_run(session, fetches, feed_dict)

    with mock.patch.object(tf.Session, 'run', run):
      self._run('--batch_size=2')
    self.assertEqual([2, 1], sizes[-2:])


class ExportTest(flag_case.FlagCase):

  @flag_case.covers(cifar10_export, 'checkpoint_dir', 'export_dir', 'averaged')
  @flag_case.covers(cifar10_export, 'dataset', 'model')
  def test_flags(self):
    out = os.path.join(self.root, 'out')
    newest = checkpoints.Checkpoint('model.ckpt-7', 7, None)
    with (
        mock.patch.object(
            checkpoints, 'newest', return_value=newest
        ) as looked_for,
        mock.patch.object(
            checkpoints.Checkpoint, 'restore', side_effect=KeyError
        ) as restored,
        mock.patch.object(
            tf.train, 'Saver', side_effect=tf.train.Saver
        ) as saver,
    ):
      with self.assertRaises(KeyError):
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
    self.assertIs(datasets.SVHN, config.dataset)
    self.assertEqual(config_lib.CONV_LOCAL, config.model)
    self.assertFalse(config.averaged)
    self.assertEqual(
        [6, 6, 3, 3, 64, 64],
        saver.call_args.args[0]['local3/weights'].shape.as_list(),
    )

    os.mkdir(out)
    open(os.path.join(out, 'there'), 'w').close()
    with self.assertRaisesRegex(errors.UsageError, out + ' already exists'):
      main_program.run(cifar10_export, '--export_dir=' + out)

  @flag_case.covers(cifar10_export, 'format')
  def test_format(self):
    for form in ('saved_model', 'keras', 'litert'):
      with mock.patch.object(
          cifar10_export, 'export', return_value='model.ckpt-1'
      ) as export:
        main_program.run(
            cifar10_export, '--checkpoint_dir=' + self.root, '--format=' + form
        )
      self.assertEqual(form, export.call_args.args[0].format)


class CoverageTest(flag_case.FlagCase):

  def test_every_flag_of_every_program_has_a_test(self):
    self.assert_covered(cifar10_eval, cifar10_predict, cifar10_export)
