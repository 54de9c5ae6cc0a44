"""A training graph of one weight, as a stand-in for the network."""

import tensorflow.compat.v1 as tf

from tools.base import training_graph


def meta_graph(
    *,
    step_name='global_step',
    step_type=tf.int64,
    rate=0.1,
    decay=0.9999,
    after=False,
    extra=False,
    names=('w',),
):
  """Builds the graph.

  Args:
    step_name: str, the step counter's key.
    step_type: its type.
    rate: float, the learning rate.
    decay: float, of the moving averages.
    after: bool, whether to average after the update instead of in any order.
    extra: bool, whether to add a variable.
    names: keys of the weights, each of shape [3].

  Returns:
    MetaGraphDef, from training_graph.export().
  """
  with tf.Graph().as_default():
    step = tf.get_variable(
        step_name, [], step_type, tf.zeros_initializer(), trainable=False
    )
    images = tf.placeholder(tf.float32, [2, 3], name='images')
    labels = tf.placeholder(tf.int32, [2], name='labels')
    weights = [
        tf.get_variable(name, [3], initializer=tf.ones_initializer())
        for name in names
    ]
    loss = tf.reduce_sum(
        tf.square(
            tf.reduce_sum(images * tf.add_n(weights), 1)
            - tf.cast(labels, tf.float32)
        ),
        name='loss',
    )
    update = tf.train.GradientDescentOptimizer(rate).minimize(loss, step)
    with tf.control_dependencies([update] if after else []):
      average = tf.train.ExponentialMovingAverage(decay, step).apply(weights)
    with tf.control_dependencies([update, average]):
      train_op = tf.no_op(name='train')
    if extra:
      tf.get_variable('extra', [], trainable=False)
    saver = tf.train.Saver(tf.global_variables())
    tf.global_variables_initializer()
    return training_graph.export(
        images=images, labels=labels, loss=loss, train_op=train_op, saver=saver
    )
