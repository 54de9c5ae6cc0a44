"""A network as a SavedModel, and what LiteRT makes of one."""

from collections.abc import Mapping
import os
import tempfile

import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2


def write(
    directory: str,
    graph_def: tf.compat.v1.GraphDef,
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
  with tf.Graph().as_default(), tf.compat.v1.Session() as sess:
    tf.compat.v1.import_graph_def(graph_def, name='')
    builder = tf.compat.v1.saved_model.Builder(directory)
    builder.add_meta_graph_and_variables(
        sess,
        [tf.saved_model.SERVING],
        signature_def_map=signatures,
        clear_devices=True,
    )
    builder.save()


def write_litert(
    path: str,
    graph_def: tf.compat.v1.GraphDef,
    signatures: Mapping[str, meta_graph_pb2.SignatureDef],
) -> None:
  """Writes a .tflite file of ops that LiteRT has itself, in float32.

  LiteRT was TensorFlow Lite.

  Args:
    path: replaced if it exists.
    graph_def: has no variables.
    signatures: by name, of tensors in graph_def.

  Raises:
    OSError, tf.errors.OpError: a file cannot be written.
  """
  with tempfile.TemporaryDirectory(dir=os.path.dirname(path)) as scratch:
    write(scratch, graph_def, signatures)
    # The converter of TensorFlow 1 would drop the names of the signatures.
    content = tf.lite.TFLiteConverter.from_saved_model(
        scratch, signature_keys=sorted(signatures)
    ).convert()
  with open(path, 'wb') as f:
    f.write(content)
