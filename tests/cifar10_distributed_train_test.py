"""A cluster of real processes on this machine."""

import os
import re
import socket

import tensorflow.compat.v1 as tf

from tests import program
from tests import record_fixture


def _addresses(n):
  """Returns n addresses whose ports were free a moment ago."""
  listeners = [socket.create_server(('127.0.0.1', 0)) for _ in range(n)]
  addresses = ['127.0.0.1:%d' % l.getsockname()[1] for l in listeners]
  for listener in listeners:
    listener.close()
  return addresses


class DistributedTrainTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.data_dir = self.create_tempdir().full_path
    self.train_dir = os.path.join(self.create_tempdir().full_path, 'train')
    record_fixture.write_batches(self.data_dir,
                                 *record_fixture.random_images(200))

  def _run(self, *flags):
    """Runs a ps and two workers to their end; returns what they printed."""
    ps, *workers = _addresses(3)
    programs = [program.Program(
        'cifar10_distributed_train', '--data_dir=' + self.data_dir,
        '--train_dir=' + self.train_dir, '--batch_size=8', '--ps_hosts=' + ps,
        '--worker_hosts=' + ','.join(workers), '--job_name=' + job,
        '--task_index=%d' % index, *flags)
                for job, index in (('ps', 0), ('worker', 0), ('worker', 1))]
    results = [p.finish() for p in programs]
    for code, out, err in results:
      self.assertEqual((0, ''), (code, err), out)
    return [out for _, out, _ in results]

  def _step(self):
    return int(tf.train.load_variable(self.train_dir, 'global_step'))

  def test_synchronous_then_resumed_then_nothing_left(self):
    outs = self._run('--max_steps=11')
    for out in outs:
      self.assertIn('of every interface of this machine', out)
    for out in outs[1:]:
      self.assertRegex(out, r': step 0, loss = 4\.[67]\d ')
      self.assertLen(re.findall(': step 0,', out), 1)
    self.assertEqual(11, self._step())
    # The same keys as a trainer of one process has.
    self.assertLen(tf.train.list_variables(self.train_dir), 25)

    outs = self._run('--max_steps=15')
    self.assertNotIn(': step 0,', outs[1])
    self.assertEqual(15, self._step())
    self._run('--max_steps=15')
    self.assertEqual(15, self._step())

  def test_asynchronous(self):
    self._run('--max_steps=20', '--sync=false')
    # Each worker may be on a step of its own when the last one is made.
    self.assertBetween(self._step(), 20, 21)
    self.assertLen(tf.train.list_variables(self.train_dir), 25)


if __name__ == '__main__':
  tf.disable_v2_behavior()
  tf.test.main()
