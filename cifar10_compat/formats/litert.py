"""A network in the format of LiteRT, which was TensorFlow Lite."""

import os
import tempfile

import tensorflow as tf

from cifar10_compat.formats import saved_model


def write(path, graph_def, signatures):
  """Writes a .tflite file of ops that LiteRT has itself, in float32.

  Args:
    path: str.
    graph_def: GraphDef without variables.
    signatures: dict from name to SignatureDef, of tensors in graph_def.

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
