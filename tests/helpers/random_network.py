"""A network of random weights, to write in a format and read back."""

from typing import Dict, NamedTuple

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_compat import config as config_lib
from cifar10_compat import models


class RandomNetwork(NamedTuple):
  """Attributes:
  weights: dict from a variable's name to its value.
  graph_def: GraphDef with the weights as constants; crops:0 is its input, and
    logits:0 its output.
  images: uint8 [50, 32, 32, 3]; a fifth have one color, and standard deviation
    0.
  crops: float32 [50, 24, 24, 3], the central crops, standardized.
  logits: float32 [50, 10], computed by TensorFlow.
  """

  weights: Dict[str, np.ndarray]
  graph_def: tf.GraphDef
  images: np.ndarray
  crops: np.ndarray
  logits: np.ndarray


def make(model):
  """Returns the RandomNetwork of a model.

  Args:
    model: str, a value of --model.  Resource variables must be disabled.
  """
  config = config_lib.Network(model=model)
  rng = np.random.RandomState(0)
  images = rng.randint(0, 256, (50, 32, 32, 3)).astype(np.uint8)
  images[:10] = rng.randint(0, 256, (10, 1, 1, 1))
  crops = images[:, 4:28, 4:28].astype(np.float64)
  crops -= crops.mean((1, 2, 3), keepdims=True)
  crops /= np.maximum(
      crops.std((1, 2, 3), keepdims=True), (24 * 24 * 3) ** -0.5
  )
  weights = {}
  with tf.Graph().as_default(), tf.Session() as sess:
    batch = tf.placeholder(tf.float32, [None, 24, 24, 3], name='crops')
    logits = tf.identity(
        models.network(config).inference(batch, config), name='logits'
    )
    for variable in tf.trainable_variables():
      shape = variable.shape.as_list()
      weights[variable.op.name] = value = 0.05 * rng.randn(*shape)
      sess.run(variable.assign(value))
    return RandomNetwork(
        weights,
        tf.graph_util.convert_variables_to_constants(
            sess, sess.graph_def, ['logits']
        ),
        images,
        crops.astype(np.float32),
        sess.run(logits, {batch: crops}),
    )


def signature(graph_def):
  """Returns the SignatureDef of a RandomNetwork's graph."""
  with tf.Graph().as_default() as graph:
    tf.import_graph_def(graph_def, name='')
    return tf.saved_model.predict_signature_def(
        {'crops': graph.get_tensor_by_name('crops:0')},
        {'logits': graph.get_tensor_by_name('logits:0')},
    )
