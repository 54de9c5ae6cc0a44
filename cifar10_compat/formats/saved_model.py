"""A network as a SavedModel."""

from collections.abc import Mapping

import tensorflow.compat.v1 as tf
from tensorflow.core.protobuf import meta_graph_pb2


def write(
    directory: str,
    graph_def: tf.GraphDef,
    signatures: Mapping[str, meta_graph_pb2.SignatureDef],
) -> None:
  """Writes a SavedModel whose weights are constants.

  Args:
    directory: exists and is empty.
    graph_def: has no variables.
    signatures: by name, of tensors in graph_def.

  Raises:
    OSError, tf.errors.OpError: a file cannot be written.
  """
  with tf.Graph().as_default(), tf.Session() as sess:
    tf.import_graph_def(graph_def, name='')
    builder = tf.saved_model.Builder(directory)
    builder.add_meta_graph_and_variables(
        sess,
        [tf.saved_model.tag_constants.SERVING],
        signature_def_map=signatures,
        clear_devices=True,
    )
    builder.save()
