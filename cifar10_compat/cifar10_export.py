"""Writes a checkpoint's network as a SavedModel that stands alone.

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

from absl import flags
import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10
from cifar10_compat import cifar10_input
from cifar10_compat import flags as shared_flags
from cifar10_compat import models
from cifar10_compat.base import errors
from cifar10_compat.base import files
from cifar10_compat.data import datasets
from cifar10_compat.data import description
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


def export(checkpoint_dir, export_dir, *, dataset=datasets.CIFAR10,
           model=models.CIFAR10, averaged=True):
  """Writes the newest checkpoint's network as a SavedModel.

  Args:
    checkpoint_dir: str.
    export_dir: str, must not exist, or be empty.  It appears when it is whole.
    dataset: description.Dataset that it was trained on.
    model: models.Model that was trained.
    averaged: bool, take the variables' moving averages, not themselves.

  Returns:
    str, the checkpoint's path.

  Raises:
    errors.UsageError, CheckpointError: see their texts.
  """
  if os.path.lexists(export_dir) and (not os.path.isdir(export_dir) or
                                      os.listdir(export_dir)):
    raise errors.UsageError('%s is there already: remove it, or choose another '
                            'with --export_dir' % export_dir)

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
          (tf.saved_model.signature_constants.DEFAULT_SERVING_SIGNATURE_DEF_KEY,
           {'images': images}, images),
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

  try:
    with files.whole_directory(export_dir) as whole, (
        tf.Graph().as_default()), tf.Session() as sess:
      tf.import_graph_def(frozen, name='')
      builder = tf.saved_model.Builder(whole)
      builder.add_meta_graph_and_variables(
          sess, [tf.saved_model.tag_constants.SERVING],
          signature_def_map=signatures, clear_devices=True)
      builder.save()
  except (OSError, tf.errors.OpError) as e:
    raise errors.UsageError(
        'cannot write %s (%s): choose another with --export_dir' %
        (export_dir, getattr(e, 'strerror', None) or e.message)) from e
  return path


# What --help shows first.
_FIRST_FLAGS = ('checkpoint_dir', 'export_dir', 'dataset', 'model', 'averaged')


def define_flags():
  """Defines the flags."""
  shared_flags.define_checkpoint_flags()
  shared_flags.define_model_flags()
  shared_flags.define_dataset_flag()
  flags.DEFINE_string('export_dir', '/tmp/cifar10_export',
                      'Directory of the SavedModel, which is made.')


def main(stop):
  """Runs the program.

  Args:
    stop: signals.StopRequest, not looked at: an export takes seconds.
  """
  del stop
  FLAGS = flags.FLAGS
  tf.disable_v2_behavior()
  export_dir = shared_flags.user_path(FLAGS.export_dir)
  path = export(shared_flags.get_checkpoint_dir(FLAGS, or_published=True),
                export_dir,
                dataset=shared_flags.get_dataset(FLAGS.dataset),
                model=models.get(FLAGS.model), averaged=FLAGS.averaged)
  print('%s is in %s.' % (path, export_dir))


def console_main():
  """What the installed command cifar10_export runs."""
  shared_flags.run(define_flags, main, first_flags=_FIRST_FLAGS)


if __name__ == '__main__':
  console_main()
