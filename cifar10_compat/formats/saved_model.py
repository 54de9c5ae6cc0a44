"""Writes a network as a SavedModel or as a LiteRT file."""

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
    directory: an existing, empty directory.
    graph_def: must contain no variables.
    signatures: dict from name to SignatureDef, with tensors of graph_def.

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
  """Writes a .tflite file in float32 that uses only LiteRT's own ops.

  LiteRT was formerly TensorFlow Lite.

  Args:
    path: the file's path; an existing file is replaced.
    graph_def: must contain no variables.
    signatures: dict from name to SignatureDef, with tensors of graph_def.

  Raises:
    OSError, tf.errors.OpError: a file cannot be written.
  """
  with tempfile.TemporaryDirectory(dir=os.path.dirname(path)) as scratch:
    write(scratch, graph_def, signatures)
    # The converter of TensorFlow 1 would drop the signatures' names.
    content = tf.lite.TFLiteConverter.from_saved_model(
        scratch, signature_keys=sorted(signatures)
    ).convert()
  with open(path, 'wb') as f:
    f.write(content)
