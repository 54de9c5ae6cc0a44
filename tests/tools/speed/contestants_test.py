"""The commands, and the values read from the output of each."""

import datetime
from unittest import mock

from absl.testing import absltest

from cifar10_compat.base import errors
from tools.speed import children
from tools.speed import contestants
from tools.speed import torch_network

DATA = {'data_dir': '/images', 'dataset': 'cifar10'}


def _log(seconds, steps=10):
  """Returns a trainer's log with a line at each of these seconds."""
  start = datetime.datetime(2026, 1, 1)
  return 'Filling queue\n' + ''.join(
      '%s: step %d, loss = 4.00 (1.0 examples/sec; 1.000 sec/batch)\n'
      % (start + datetime.timedelta(seconds=second), i * steps)
      for i, second in enumerate(seconds)
  )


def _result(log, import_seconds=2.0, seconds=9.0, started=0.0):
  return children.Result(
      {'import_seconds': import_seconds}, log, started, seconds, 1, None
  )


class ContestantsTest(absltest.TestCase):

  def test_inputs(self):
    found = contestants.inputs(source=None, secs=2, **DATA)
    self.assertEqual(['literal', 'fast', 'tf_data'], list(found))
    found = contestants.inputs(source='/old', secs=2, **DATA)
    self.assertEqual(['tutorial', 'literal', 'fast', 'tf_data'], list(found))
    self.assertEqual(
        ['tutorial', '--source=/old', '--data_dir=/images']
        + ['--dataset=cifar10', '--secs=2'],
        found['tutorial'].args,
    )
    self.assertEqual('tools.speed.input_rate', found['fast'].module)

  def constant(self, features=(), torch=False):
    with mock.patch.object(torch_network, 'available', lambda: torch):
      return contestants.constant(
          steps=20, secs=2, processor={'features': features}
      )

  def test_constant(self):
    found = self.constant()
    self.assertEqual('literal', list(found)[0])
    self.assertContainsSubset(
        ['onednn', 'fast', 'fast_bfloat16', 'keras', 'matrix_product_float32'],
        found,
    )
    self.assertNoCommonElements(['pytorch', 'matrix_product_bfloat16'], found)
    self.assertIn('pytorch', self.constant(torch=True))
    for feature in ('avx512_bf16', 'amx_bf16', 'bf16'):
      self.assertIn('matrix_product_bfloat16', self.constant([feature]))
    # Without --fast, a program sees the user's environment.
    self.assertEqual({}, found['literal'].environment)
    for name in ('onednn', 'fast', 'keras', 'matrix_product_float32'):
      self.assertEqual(
          {'TF_ENABLE_ONEDNN_OPTS': '1'}, found[name].environment, name
      )

  def test_end_to_end(self):
    found = contestants.end_to_end(
        source='/old', steps=100, towers=[2], workers=[4], **DATA
    )
    self.assertEqual(
        ['tutorial', 'literal', 'fast', 'fast_bfloat16']
        + ['towers_2', 'workers_4'],
        list(found),
    )
    data = ['--data_dir=/images', '--dataset=cifar10', '--max_steps=121']
    self.assertEqual(
        ['cifar10_compat.cifar10_train'] + data, found['literal'].args
    )
    self.assertEqual(
        ['tools.editions.scripts', '--source=/old', 'cifar10_train']
        + ['--data_dir=/images', '--max_steps=121'],
        found['tutorial'].args,
    )
    self.assertContainsSubset(
        ['--fast', '--precision=bfloat16'], found['fast_bfloat16'].args
    )
    self.assertContainsSubset(
        ['--num_gpus=2', '--tower_devices=cpu', '--batch_size=64'],
        found['towers_2'].args,
    )
    self.assertContainsSubset(
        ['--ps=1', '--workers=4', '--batch_size=32'], found['workers_4'].args
    )

  def test_end_to_end_on_an_old_tensorflow(self):
    found = contestants.end_to_end(
        source='/old', steps=100, runtime='0.12.1', **DATA
    )
    self.assertEqual(
        ['original', 'tutorial', 'literal', 'fast', 'fast_bfloat16'],
        list(found),
    )
    self.assertEqual(
        ['tools.editions.scripts', '--runtime=0.12.1', '--source=/old']
        + ['cifar10_train', '--data_dir=/images', '--max_steps=121'],
        found['original'].args,
    )
    self.assertEqual('train_dir', found['original'].directory_flag)

  def test_values_read_end_to_end(self):
    found = contestants.end_to_end(
        source='/old', steps=100, workers=[4], **DATA
    )
    # 30 seconds for steps 20 to 120.
    log = _log([0, 50, 60, 62, 64, 66, 68, 70, 80, 82, 84, 86, 90])
    self.assertEqual(
        {'seconds_per_step': 0.3}, found['literal'].read(_result(log))
    )
    log = ''.join(
        'ps       | ready\nworker 0 | %s\nworker 1 | %s\n' % (line, line[:9])
        for line in log.splitlines()
    )
    self.assertEqual(
        {'seconds_per_step': 0.3}, found['workers_4'].read(_result(log))
    )

  def test_batches_that_cannot_be_shared(self):
    for kwargs in ({'towers': [3]}, {'towers': [0]}, {'workers': [0]}):
      with self.assertRaisesRegex(
          errors.UsageError, 'share a batch of 128 evenly'
      ):
        contestants.end_to_end(source=None, steps=100, **DATA, **kwargs)

  def test_start(self):
    found = contestants.start(source=None, **DATA)
    self.assertEqual(['literal', 'fast'], list(found))
    self.assertIn('--max_steps=1', found['fast'].args)
    self.assertEqual('train_dir', found['fast'].directory_flag)
    started = datetime.datetime(2026, 1, 1).timestamp() - 4.5
    self.assertEqual(
        {'seconds': 7.5, 'import_seconds': 2.0, 'seconds_less_import': 5.5},
        found['literal'].read(_result(_log([3]), started=started)),
    )

  def test_evaluation(self):
    found = contestants.evaluation(source='/old', checkpoint_dir='/run', **DATA)
    self.assertEqual(['tutorial', 'literal', 'fast'], list(found))
    self.assertContainsSubset(
        ['--checkpoint_dir=/run', '--run_once=true'], found['tutorial'].args
    )
    self.assertEqual('eval_dir', found['fast'].directory_flag)
    result = _result('2026-01-01 00:00:00: precision @ 1 = 0.812\nmore\n')
    self.assertEqual(
        {
            'seconds': 9.0,
            'import_seconds': 2.0,
            'seconds_less_import': 7.0,
            'precision': 0.812,
        },
        found['literal'].read(result),
    )

  def test_scaling(self):
    found = contestants.scaling(tenfold='/tenfold', **DATA)
    self.assertEqual(
        ['batch_32', 'batch_128', 'batch_512', 'batch_1024', 'records_x10']
        + ['towers_1', 'towers_2', 'towers_4'],
        list(found),
    )
    for name, last in (('batch_32', 180), ('batch_128', 50), ('towers_4', 20)):
      self.assertIn('--max_steps=%d' % (last + 1), found[name].args)
    self.assertContainsSubset(
        ['--dataset=/tenfold', '--queue_fraction=0.04'],
        found['records_x10'].args,
    )
    # 4 seconds of ten steps of 4 x 128 images.
    self.assertEqual(
        {'seconds_per_example': 4 / 5120},
        found['towers_4'].read(_result(_log([0, 9, 13]))),
    )
