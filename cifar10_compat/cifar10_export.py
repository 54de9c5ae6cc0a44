"""Writes a checkpoint's network as a SavedModel, or a file, that stands alone.

Weights and class names are constants in it, and so are the crop and the
standardization of an image.  TensorFlow 2 loads it without this package:

  model = tf.saved_model.load('/tmp/cifar10_export')
  model.signatures['serving_default'](images=uint8_tensor)  # [n, 32, 32, 3]
  model.signatures['encoded'](encoded=contents_of_files)  # string tensor, [n]

Both return probabilities and logits (float32 [n, number of classes]), classes
(int64 [n], the best one's number) and class_names (string).  Encoded images are
PNG, JPEG, GIF or BMP of any size, of which the largest square in the middle
counts; unlike cifar10_predict it knows no transparency and no EXIF orientation.
Where TensorFlow has oneDNN on, which is its default on processors with AVX-512
VNNI, it refuses to run the network on no images at all.

--format=keras and --format=litert put a file into the directory instead,
model.keras for Keras 3 and model.tflite for LiteRT, which does what
serving_default does.  That of Keras has no class names and no classes.
Example:

  cifar10_export --checkpoint_dir=/tmp/cifar10_train \\
      --export_dir=/tmp/cifar10_export

--checkpoint_dir=published is a trained network that comes with the package; it
is also taken if no directory is named and nothing has been trained.
"""

# First: TensorFlow reads its log levels while it loads.
from cifar10_compat.base import early_signals  # noqa: F401  # isort: skip
from cifar10_compat.base import garbage  # noqa: F401  # isort: skip
from cifar10_compat.base import quiet  # noqa: F401  # isort: skip

import os
from typing import Callable, Dict, NamedTuple

from absl import flags
from absl import logging
import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10
from cifar10_compat import cifar10_input
from cifar10_compat import entry_points
from cifar10_compat import flags as shared_flags
from cifar10_compat import models
from cifar10_compat.base import errors
from cifar10_compat.base import files
from cifar10_compat.data import datasets
from cifar10_compat.data import description
from cifar10_compat.formats import keras_file
from cifar10_compat.formats import litert
from cifar10_compat.formats import saved_model
from cifar10_compat.training import checkpoints


def _decode(contents):
  """Decodes one image, the first of an animation, to uint8 [32, 32, 3]."""
  image = tf.io.decode_image(contents, channels=description.DEPTH,
                             expand_animations=False)
  image.set_shape([None, None, description.DEPTH])
  return cifar10_input.fit(image)


def _outputs(images, dataset, model):
  """Builds the network and returns what a signature returns, a dict.

  Args:
    images: uint8 tensor of shape [n, 32, 32, 3].
    dataset: description.Dataset.
    model: models.Model.
  """
  logits = model.inference(cifar10_input.central_view(images),
                           num_classes=dataset.num_classes)
  return {
      'logits': logits,
      'probabilities': cifar10.predictions(logits),
      'classes': tf.argmax(logits, 1),
      'class_names': tf.constant(dataset.class_names),
  }


_SERVING = tf.saved_model.signature_constants.DEFAULT_SERVING_SIGNATURE_DEF_KEY


class _Network(NamedTuple):
  """A network, to be written.

  Attributes:
    graph_def: GraphDef, with the weights as constants.
    signatures: dict from name to SignatureDef.
    weights: dict from the name of a variable to its value, an array.
  """

  graph_def: object
  signatures: Dict[str, object]
  weights: Dict[str, object]


def _write_saved_model(path, network):
  saved_model.write(path, network.graph_def, network.signatures)


def _write_keras(path, network):
  keras_file.write(path, network.weights, image_size=description.HEIGHT,
                   crop_size=cifar10_input.IMAGE_SIZE)


def _write_litert(path, network):
  # It has no ops that decode images.
  litert.write(path, network.graph_def,
               {_SERVING: network.signatures[_SERVING]})


class Format(NamedTuple):
  """A form in which a network can be written."""

  file: str  # what is made in the directory, '' if it is all of it
  write: Callable[..., object]  # of a path and a _Network


# What --format can be.
FORMATS = {
    'saved_model': Format('', _write_saved_model),
    'keras': Format('model.keras', _write_keras),
    'litert': Format('model.tflite', _write_litert),
}


def export(checkpoint_dir, export_dir, *, dataset=datasets.CIFAR10,
           model=models.CIFAR10, averaged=True, form='saved_model'):
  """Writes the newest checkpoint's network as a SavedModel or a file.

  Args:
    checkpoint_dir: str.
    export_dir: str, must not exist, or be empty.  It appears when it is whole.
    dataset: description.Dataset that it was trained on.
    model: models.Model that was trained.
    averaged: bool, take the variables' moving averages, not themselves.
    form: str, one of FORMATS.  All but saved_model need eager execution.

  Returns:
    str, the checkpoint's path.

  Raises:
    errors.UsageError, CheckpointError: see their texts.
  """
  if os.path.lexists(export_dir) and (not os.path.isdir(export_dir) or
                                      os.listdir(export_dir)):
    raise errors.UsageError('%s is there already: remove it, or choose another '
                            'with --export_dir' % export_dir)

  path, network = _read(checkpoint_dir, dataset, model, averaged)
  try:
    with files.whole_directory(export_dir) as whole:
      FORMATS[form].write(os.path.join(whole, FORMATS[form].file), network)
  except (OSError, tf.errors.OpError) as e:
    raise errors.UsageError(
        'cannot write %s (%s): choose another with --export_dir' %
        (export_dir, getattr(e, 'strerror', None) or e.message)) from e
  return path


def _read(checkpoint_dir, dataset, model, averaged):
  """Returns the path of the newest checkpoint, and its _Network."""
  with tf.Graph().as_default(), tf.Session() as sess:
    images = tf.placeholder(
        tf.uint8,
        [None, description.HEIGHT, description.WIDTH, description.DEPTH],
        name='images')
    encoded = tf.placeholder(tf.string, [None], name='encoded')
    decoded = tf.map_fn(_decode, encoded, dtype=tf.uint8)
    signatures = {}
    with tf.variable_scope(tf.get_variable_scope(), reuse=tf.AUTO_REUSE):
      for name, inputs, batch in (
          (_SERVING, {'images': images}, images),
          ('encoded', {'encoded': encoded}, decoded)):
        signatures[name] = tf.saved_model.predict_signature_def(
            inputs, _outputs(batch, dataset, model))

    path = checkpoints.restore_newest(
        sess, checkpoint_dir, dataset=dataset, model=model,
        variables=models.trained_variables(averaged), averaged=averaged)
    outputs = [info.name.partition(':')[0] for signature in signatures.values()
               for info in signature.outputs.values()]
    frozen = tf.graph_util.convert_variables_to_constants(
        sess, sess.graph_def, outputs)
    weights = sess.run({v.op.name: v for v in tf.trainable_variables()})
  return path, _Network(frozen, signatures, weights)


# What --help shows first.
_FIRST_FLAGS = ('checkpoint_dir', 'export_dir', 'format', 'dataset', 'model',
                'averaged')


def define_flags():
  """Defines the flags."""
  shared_flags.define_checkpoint_flags()
  shared_flags.define_model_flags()
  shared_flags.define_dataset_flag()
  flags.DEFINE_string('export_dir', '/tmp/cifar10_export',
                      'Directory of the SavedModel, or of the file of another '
                      'format, which is made.')
  flags.DEFINE_enum('format', 'saved_model', list(FORMATS),
                    'What is written: a SavedModel, a file for Keras 3, or one '
                    'for LiteRT, once TensorFlow Lite.')


def main(stop):
  """Runs the program.

  Args:
    stop: signals.StopRequest, not looked at: an export takes seconds.
  """
  del stop
  FLAGS = flags.FLAGS
  # All that the graph needs of version 1.  Keras, and the converter to LiteRT,
  # need eager execution of version 2.
  tf.disable_resource_variables()
  tf.disable_control_flow_v2()
  # What TensorFlow notes about a SavedModel that it converts is about ours.
  logging.set_verbosity(logging.WARNING)
  export_dir = shared_flags.user_path(FLAGS.export_dir)
  path = export(shared_flags.get_checkpoint_dir(FLAGS, or_published=True),
                export_dir,
                dataset=shared_flags.get_dataset(FLAGS.dataset),
                model=models.get(FLAGS.model), averaged=FLAGS.averaged,
                form=FLAGS.format)
  file = FORMATS[FLAGS.format].file
  print('%s is in %s.' % (
      path, os.path.join(export_dir, file) if file else export_dir))


def console_main():
  """What the installed command cifar10_export runs."""
  entry_points.run(define_flags, main, first_flags=_FIRST_FLAGS)


if __name__ == '__main__':
  console_main()
