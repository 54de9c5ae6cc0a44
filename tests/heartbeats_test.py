"""The table in which workers see each other."""

import socket

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_compat import cluster
from cifar10_compat import heartbeats


class HeartbeatsTest(tf.test.TestCase):

  def test_absent(self):
    table = np.array([[7, 100., heartbeats.TRAINING],
                      [6, 99., heartbeats.TRAINING],
                      [5, 90., heartbeats.TRAINING],
                      [0, 0., heartbeats.UNSEEN],
                      [7, 50., heartbeats.DONE]])
    self.assertEqual([(2, 5, 10.), (3, None, None)],
                     heartbeats.absent(table, 100., worker=0))
    # Nobody misses himself.
    self.assertEqual([(3, None, None)], heartbeats.absent(table, 100., 2))

  def test_rows_in_a_real_ps(self):
    with socket.create_server(('127.0.0.1', 0)) as listener:
      address = '127.0.0.1:%d' % listener.getsockname()[1]
    server = cluster.start_server(cluster.from_flags('ps', 0, [address],
                                                     ['127.0.0.1:1']))
    with tf.Graph().as_default():
      table = heartbeats.Table(2)
      self.assertEmpty(tf.global_variables())
      self.assertEmpty(tf.local_variables())
      config = tf.ConfigProto(device_filters=['/job:ps'])
      with tf.Session(server.target, config=config) as session:
        with self.assertRaises(tf.errors.FailedPreconditionError):
          session.run(table.read)
        session.run(table.initializer)
        table.update(session, 1, 42, heartbeats.TRAINING)
        rows, now = session.run(table.read)
    self.assertAllEqual([0, 0, heartbeats.UNSEEN], rows[0])
    self.assertEqual((42, heartbeats.TRAINING), (rows[1, 0], rows[1, 2]))
    self.assertBetween(rows[1, 1], now - 60, now)


if __name__ == '__main__':
  tf.disable_v2_behavior()
  tf.test.main()
