"""A network in the format of LiteRT, which was TensorFlow Lite."""

from collections.abc import Mapping
import os
import tempfile

import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2

from cifar10_compat.formats import saved_model


def write(
    path: str,
    graph_def: tf.compat.v1.GraphDef,
    signatures: Mapping[str, meta_graph_pb2.SignatureDef],
) -> None:
  """Writes a .tflite file of ops that LiteRT has itself, in float32.

  Args:
    path: replaced if it exists.
    graph_def: has no variables.
    signatures: by name, of tensors in graph_def.

  Raises:
    OSError, tf.errors.OpError: a file cannot be written.
  """
  with tempfile.TemporaryDirectory(dir=os.path.dirname(path)) as scratch:
    saved_model.write(scratch, graph_def, signatures)
    # The converter of TensorFlow 1 would drop the names of the signatures.
    content = tf.lite.TFLiteConverter.from_saved_model(
        scratch, signature_keys=sorted(signatures)
    ).convert()
  with open(path, 'wb') as f:
    f.write(content)
