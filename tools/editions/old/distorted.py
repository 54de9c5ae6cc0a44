"""Draws distorted images from an edition's queues, in an old interpreter.

  distorted ARGUMENTS.json

The file contains a dict:

  source, package, data_dir: as in training.py
  count: int, minimum number of images; the program draws only full batches
  out: the directory to write to

The program writes drawn.npz into `out`: images, float32 of shape [n, 24, 24,
3], labels, int32, and brightness, `count` float32 values that the edition adds
to the pixels of images.
"""

import os

import edition
import numpy as np
import training


def draw(tf, graph, batch, count):
  """Returns images and labels drawn from the queues."""
  drawn, total = [], 0
  with graph.as_default(), tf.Session(graph=graph) as sess:
    coord = tf.train.Coordinator()
    threads = tf.train.start_queue_runners(sess, coord)
    while total < count:
      drawn.append(sess.run(list(batch)))
      total += len(drawn[-1][1])
    coord.request_stop()
    coord.join(threads, stop_grace_period_secs=10)
  return [np.concatenate(arrays) for arrays in zip(*drawn)]


def added(graph):
  """Returns the scalar added to an image before the contrast changes."""
  (op,) = [o for o in graph.get_operations() if o.type == 'AdjustContrastv2']
  op = op.inputs[0].op
  while op.type == 'Identity':
    op = op.inputs[0].op
  if op.type not in ('Add', 'AddV2'):
    raise ValueError(
        'the op before the contrast change is %s, not an addition' % op.type
    )
  (scalar,) = [t for t in op.inputs if t.get_shape().as_list() == []]
  return scalar


def main():
  arguments = edition.arguments()
  tf, graph, made = training.capture(arguments)
  images, labels = draw(tf, graph, made['distorted_inputs'], arguments['count'])
  with tf.Session(graph=graph) as sess:
    scalar = added(graph)
    brightness = [sess.run(scalar) for _ in range(arguments['count'])]
  np.savez(
      os.path.join(arguments['out'], 'drawn.npz'),
      images=images,
      labels=labels,
      brightness=brightness,
  )


if __name__ == '__main__':
  main()
