"""Exports a checkpoint's network as a self-contained SavedModel or file.

The export contains the weights and class names as constants, and crops and
standardizes each image itself.  TensorFlow 2 loads it without this package:

  model = tf.saved_model.load('/tmp/cifar10_export')
  model.signatures['serving_default'](images=uint8_tensor)  # [n, 32, 32, 3]
  model.signatures['encoded'](encoded=contents_of_files)  # string tensor, [n]

Both signatures return probabilities and logits (float32 [n, number of
classes]), classes (int64 [n], the most probable class of each) and class_names
(string [n, number of classes], the same in each row).  Encoded images are PNG,
JPEG, GIF or BMP of any size; the network sees the largest central square.
Unlike cifar10_predict, the export ignores transparency and EXIF orientation,
and rejects a BMP with fewer than 8 bits per pixel, with compression or with
unusual color masks.  With oneDNN, TensorFlow rejects an empty batch; oneDNN is
on by default on processors with AVX-512 VNNI.

--format=keras and --format=litert instead write one file to the directory:
model.keras for Keras 3, or model.tflite for LiteRT, which returns the same
outputs as serving_default.  model.keras does not return classes; the class
names are in its archive:

  json.loads(zipfile.ZipFile('model.keras').read('class_names.json'))

Example:

  cifar10_export --checkpoint_dir=/tmp/cifar10_train \\
      --export_dir=/tmp/cifar10_export

--checkpoint_dir=published selects the trained network bundled with the package;
this network is also the default until you train one yourself.
"""

from cifar10_compat import startup  # isort: skip
startup.prepare(__name__, 'Export')  # Run before TensorFlow loads.

from collections.abc import Iterator
import contextlib
import os

from absl import logging
import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10
from cifar10_compat import cifar10_input
from cifar10_compat import config as config_lib
from cifar10_compat import entry_points
from cifar10_compat import models
from cifar10_compat.base import errors
from cifar10_compat.base import files
from cifar10_compat.base import output
from cifar10_compat.base import signals
from cifar10_compat.data import description
from cifar10_compat.formats import keras_file
from cifar10_compat.formats import saved_model
from cifar10_compat.training import checkpoint_list
from cifar10_compat.training import checkpoints

# Sizes in bytes: a BMP's two headers plus color masks, and its first header
# alone.
_BMP_HEADER = 66
_BMP_FILE_HEADER = 14
# Values of `compression`: uncompressed, and uncompressed with color masks.
# TensorFlow reads only _BMP_USUAL_MASKS correctly: the masks for red, green and
# blue, as 16-bit numbers.
_BMP_PLAIN, _BMP_MASKS = 0, 3
_BMP_USUAL_MASKS = (0, 0xFF, 0xFF00, 0, 0xFF, 0)


def _decode(contents: tf.Tensor) -> tf.Tensor:
  """Decodes an image, or an animation's first frame, to uint8 [32, 32, 3]."""
  # The first 66 bytes as 16-bit numbers.  In a BMP, they are the header.
  header = tf.cast(tf.io.decode_raw(tf.strings.substr(
      tf.strings.join([contents, b'\0' * _BMP_HEADER]), 0, _BMP_HEADER),
                                    tf.uint16), tf.int32)
  is_bmp = tf.equal(header[0], int.from_bytes(b'BM', 'little'))
  size, bits, compression, colors = (header[i] for i in (7, 14, 15, 23))
  has_palette = is_bmp & tf.equal(bits, 8)
  is_masked = tf.equal(compression, _BMP_MASKS) & tf.equal(bits, 32)
  usual = is_masked & tf.reduce_all(tf.equal(header[27:], _BMP_USUAL_MASKS))
  with tf.control_dependencies([tf.Assert(
      ~is_bmp | (bits >= 8) & (tf.equal(compression, _BMP_PLAIN) | usual),
      ['a BMP with', bits, 'bits per pixel and compression', compression,
       'is not supported: convert it to PNG'])]):
    contents = tf.identity(contents)
  image = tf.io.decode_image(contents, channels=description.DEPTH,
                             expand_animations=False)
  image.set_shape([None, None, description.DEPTH])

  def colored() -> tf.Tensor:
    palette = tf.io.decode_raw(tf.strings.substr(
        contents, _BMP_FILE_HEADER + size,
        4 * tf.where(tf.equal(colors, 0), 256, colors)), tf.uint8)
    # A palette entry consists of blue, green, red and a zero byte.
    return tf.gather(tf.reshape(palette, [-1, 4])[:, 2::-1],
                     tf.cast(image[:, :, 0], tf.int32))

  # For a palette, TensorFlow returns the indices as gray values, not the
  # colors.
  return cifar10_input.fit(tf.cond(has_palette, colored, lambda: image))


def _outputs(
    images: tf.Tensor, config: config_lib.Export
) -> dict[str, tf.Tensor]:
  """Builds the network and returns the outputs of a signature.

  Args:
    images: uint8 tensor of shape [n, 32, 32, 3].
    config: the settings of the network.
  """
  logits = models.network(config).inference(
      cifar10_input.central_view(images), config)
  return {
      'logits': logits,
      'probabilities': cifar10.predictions(logits),
      'classes': tf.argmax(logits, 1),
      # Repeat the names for each image: TensorFlow Serving treats every output
      # of a signature as a batch.
      'class_names': tf.tile([list(config.dataset.class_names)],
                             [tf.shape(images)[0], 1]),
  }


_SERVING = tf.saved_model.signature_constants.DEFAULT_SERVING_SIGNATURE_DEF_KEY


# The export's name in export_dir for each --format; '' for export_dir itself.
_FILES = {'saved_model': '', 'keras': 'model.keras', 'litert': 'model.tflite'}


def export(config: config_lib.Export) -> str:
  """Exports the newest checkpoint's network as a SavedModel or a file.

  Args:
    config: the checkpoint, the format and export_dir, which must be missing or
      empty and appears only when complete.  All formats except saved_model need
      eager execution.

  Returns:
    The checkpoint's path.

  Raises:
    errors.UsageError, CheckpointError: the message describes the problem.
  """
  export_dir = config.export_dir
  with _writing(export_dir):
    errors.UsageError.raise_if(
        not files.is_free(export_dir),
        f'{export_dir} already exists and is not an empty directory: choose '
        'another with --export_dir')

  path, graph_def, signatures, weights = _read(config)
  with _writing(export_dir), files.whole_directory(export_dir) as whole:
    file = os.path.join(whole, _FILES[config.format])
    if config.format == 'keras':
      keras_file.write(file, weights, image_size=description.HEIGHT,
                       crop_size=cifar10_input.IMAGE_SIZE,
                       class_names=config.dataset.class_names)
    elif config.format == 'litert':
      # Keras and LiteRT have no ops that decode images.
      saved_model.write_litert(file, graph_def, {_SERVING: signatures[_SERVING]})
    else:
      saved_model.write(file, graph_def, signatures)
  return path


@contextlib.contextmanager
def _writing(export_dir: str) -> Iterator[None]:
  """Context that reports a failed write as a UsageError."""
  try:
    yield
  except (OSError, tf.errors.OpError) as e:
    reason = e.strerror if isinstance(e, OSError) else e.message
    raise errors.UsageError(f'cannot write {export_dir} ({reason}): choose '
                            'another with --export_dir') from e


def _read(
    config: config_lib.Export
) -> tuple[str, tf.GraphDef, dict[str, 'tf.SignatureDef'],
           dict[str, np.ndarray]]:
  """Reads the newest checkpoint.

  Returns:
    path: the checkpoint's path.
    graph_def: the network, with the weights as constants.
    signatures: dict from name to SignatureDef, with tensors of graph_def.
    weights: dict from variable name to value.
  """
  with tf.Graph().as_default(), tf.Session() as sess:
    images = tf.placeholder(
        tf.uint8,
        [None, description.HEIGHT, description.WIDTH, description.DEPTH],
        name='images')
    encoded = tf.placeholder(tf.string, [None], name='encoded')
    decoded = tf.map_fn(_decode, encoded, dtype=tf.uint8)
    with tf.variable_scope(tf.get_variable_scope(), reuse=tf.AUTO_REUSE):
      signatures = {
          name: tf.saved_model.predict_signature_def(
              inputs, _outputs(batch, config))
          for name, inputs, batch in (
              (_SERVING, {'images': images}, images),
              ('encoded', {'encoded': encoded}, decoded))}

    checkpoint = checkpoint_list.newest(config.checkpoint_dir)
    checkpoint.restore(
        tf.train.Saver(checkpoints.trained_variables(config.averaged)), sess,
        config)
    outputs = [info.name.partition(':')[0] for signature in signatures.values()
               for info in signature.outputs.values()]
    frozen = tf.graph_util.convert_variables_to_constants(
        sess, sess.graph_def, outputs)
    weights = sess.run({v.op.name: v for v in tf.trainable_variables()})
  return checkpoint.path, frozen, signatures, weights


def main(config: config_lib.Export, stop: signals.StopRequest) -> None:
  """Runs the program.

  Args:
    config: the program's settings.
    stop: ignored, since an export takes only seconds.
  """
  del stop
  # The graph needs only these two settings of TensorFlow 1.  Keras and the
  # LiteRT converter need eager execution, the default in TensorFlow 2.
  tf.disable_resource_variables()
  tf.disable_control_flow_v2()
  # Override any backend that the user has chosen for other programs.
  os.environ['KERAS_BACKEND'] = 'tensorflow'
  # Suppress TensorFlow's log messages about the SavedModel to convert, which
  # this program has just written.
  logging.set_verbosity(logging.WARNING)
  path = export(checkpoint_list.or_published(config))
  file = _FILES[config.format]
  place = os.path.join(config.export_dir, file) if file else config.export_dir
  output.say(f'Exported {path} to {place}.')


def console_main() -> None:
  """Entry point of the installed command cifar10_export."""
  entry_points.run(config_lib.Export, main)


if __name__ == '__main__':
  console_main()
