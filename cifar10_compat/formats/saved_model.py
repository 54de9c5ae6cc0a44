"""A network as a SavedModel."""

import tensorflow.compat.v1 as tf


def write(directory, graph_def, signatures):
  """Writes a SavedModel whose weights are constants.

  Args:
    directory: str, exists and is empty.
    graph_def: GraphDef without variables.
    signatures: dict from name to SignatureDef, of tensors in graph_def.

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
