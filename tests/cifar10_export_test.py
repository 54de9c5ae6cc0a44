"""The SavedModel, loaded by a process that has no line of this project."""

import os
import subprocess
import sys

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_compat import checkpoints
from cifar10_compat import cifar10
from cifar10_compat import cifar10_export
from cifar10_compat import datasets
from cifar10_compat import errors
from cifar10_compat import models
from tests import program
from tests import record_fixture

N = 300

# Encodes the images as well, once larger and with something at the sides.
_LOAD = """
import sys
import numpy as np
import tensorflow as tf
model = tf.saved_model.load(sys.argv[1])
images = np.load(sys.argv[2])
wide = np.zeros([64, 90, 3], np.uint8)
wide[:, 13:77] = images[0].repeat(2, 0).repeat(2, 1)
files = [tf.io.encode_png(image).numpy() for image in [wide] + list(images[:8])]
files += [tf.io.encode_jpeg(image, quality=100).numpy() for image in images[:2]]
results = {'one': model.signatures['serving_default'](images=images[:1])}
results['all'] = model.signatures['serving_default'](images=images)
results['none'] = model.signatures['serving_default'](images=images[:0])
results['encoded'] = model.signatures['encoded'](encoded=tf.constant(files))
np.savez(sys.argv[3], **{n + '/' + k: v.numpy() for n, r in results.items()
                         for k, v in r.items()})
assert not [m for m in sys.modules if 'cifar10' in m]
"""


def save_trained(directory, model, steps=3):
  """Trains a few steps on noise and saves as a trainer does.

  Returns:
    dict from bool, averaged, to float32 [N, 10], the training graph's logits
    for images of random_images(N).
  """
  images, labels = record_fixture.random_images(N)
  # What the evaluator's input makes of an image: see cifar10_input_test.py.
  crops = images[:, 4:28, 4:28].astype(np.float64)
  crops -= crops.mean((1, 2, 3), keepdims=True)
  crops /= crops.std((1, 2, 3), keepdims=True)
  logits = {}
  with tf.Graph().as_default(), tf.Session() as sess:
    tf.set_random_seed(1)
    batch = tf.placeholder_with_default(
        crops[:32].astype(np.float32), [None, 24, 24, 3])
    out = model.inference(batch, 10)
    train_op = cifar10.train(cifar10.loss(out, tf.constant(labels[:32])),
                             tf.train.get_or_create_global_step())
    sess.run(tf.global_variables_initializer())
    # Weights that tell images apart, as trained ones do.
    for v in tf.trainable_variables():
      if v.op.name in ('conv1/weights', 'conv2/weights'):
        sess.run(v.assign(0.03 * np.random.RandomState(0).randn(
            *v.shape.as_list())))
    for _ in range(steps):
      sess.run(train_op)
    os.makedirs(directory, exist_ok=True)
    tf.train.Saver(tf.global_variables()).save(
        sess, os.path.join(directory, 'model.ckpt'), steps)
    checkpoints.describe(directory, datasets.CIFAR10, model)
    logits[False] = sess.run(out, {batch: crops})
    averages = tf.train.ExponentialMovingAverage(cifar10.MOVING_AVERAGE_DECAY)
    tf.train.Saver(averages.variables_to_restore()).restore(
        sess, os.path.join(directory, 'model.ckpt-%d' % steps))
    logits[True] = sess.run(out, {batch: crops})
  return logits


class ExportTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.root = self.create_tempdir().full_path
    self.checkpoint_dir = os.path.join(self.root, 'train')

  def _load(self, export_dir):
    """Returns what a plain TensorFlow 2 process gets, by signature and name."""
    script, images, results = [
        os.path.join(self.root, name) for name in (
            'load.py', 'images.npy', 'results.npz')]
    np.save(images, record_fixture.random_images(N)[0])
    with open(script, 'w') as f:
      f.write(_LOAD)
    environ = {k: v for k, v in os.environ.items() if k != 'PYTHONPATH'}
    # Information is hidden; warnings would show.
    environ.update(TF_CPP_MIN_LOG_LEVEL='1', CUDA_VISIBLE_DEVICES='-1')
    process = subprocess.run(
        [sys.executable, '-W', 'always', script, export_dir, images, results],
        capture_output=True, text=True, cwd=self.root, env=environ)
    self.assertEqual((0, ''), (process.returncode, process.stdout),
                     process.stderr)
    self.assertEqual('', program.without_loader_chatter(process.stderr))
    return np.load(results)

  def test_averages_of_both_models(self):
    for model in models.MODELS.values():
      directory = os.path.join(self.checkpoint_dir, model.name)
      expected = save_trained(directory, model)
      # Which of the two it was can be told.
      self.assertGreater(abs(expected[True] - expected[False]).max(), 1e-2)
      export_dir = os.path.join(self.root, 'export', model.name)
      os.makedirs(export_dir)
      cifar10_export.export(directory, export_dir, model=model)
      self.assertEqual(['saved_model.pb'],
                       [f for _, _, files in os.walk(export_dir)
                        for f in files])
      found = self._load(export_dir)
      logits = found['all/logits']
      self.assertAllClose(expected[True], logits, rtol=0, atol=1e-4)
      self.assertAllClose(logits[:1], found['one/logits'], rtol=0, atol=1e-4)
      self.assertEqual((0, 10), found['none/logits'].shape)
      exponentials = np.exp(logits)
      self.assertAllClose(exponentials / exponentials.sum(1, keepdims=True),
                          found['all/probabilities'])
      self.assertAllEqual(logits.argmax(1), found['all/classes'])
      self.assertEqual(list(datasets.CIFAR10.class_names),
                       [n.decode() for n in found['all/class_names']])
      # PNG loses nothing, and the first image is the second, larger.
      encoded = found['encoded/logits']
      self.assertAllClose(logits[[0] + list(range(8))], encoded[:9], rtol=0,
                          atol=1e-4)
      self.assertAllClose(logits[:2], encoded[9:], rtol=0, atol=0.5)
    self.assertCountEqual(models.MODELS, os.listdir(
        os.path.join(self.root, 'export')))

  def test_program_with_raw_weights(self):
    expected = save_trained(self.checkpoint_dir, models.CIFAR10)
    export_dir = os.path.join(self.root, 'export')
    code, out, err = program.run(
        'cifar10_export', '--checkpoint_dir=' + self.checkpoint_dir,
        '--export_dir=' + export_dir, '--averaged=false')
    self.assertEqual((0, ''), (code, err))
    self.assertEqual('%s/model.ckpt-3 is in %s.\n' % (
        self.checkpoint_dir, export_dir), out)
    self.assertAllClose(expected[False], self._load(export_dir)['all/logits'],
                        rtol=0, atol=1e-4)

  def test_what_cannot_be_exported(self):
    export_dir = os.path.join(self.root, 'export')
    with self.assertRaisesRegex(errors.CheckpointError, 'No checkpoint file'):
      cifar10_export.export(self.checkpoint_dir, export_dir)
    save_trained(self.checkpoint_dir, models.CIFAR10, steps=0)
    with self.assertRaisesRegex(errors.UsageError, '--model=cifar10'):
      cifar10_export.export(self.checkpoint_dir, export_dir,
                            model=models.CONV_LOCAL)
    with self.assertRaisesRegex(errors.UsageError, 'is there already'):
      cifar10_export.export(self.checkpoint_dir, self.checkpoint_dir)
    not_a_directory = self.create_tempfile().full_path
    with self.assertRaisesRegex(errors.UsageError, 'cannot write'):
      cifar10_export.export(self.checkpoint_dir, not_a_directory + '/export')
    self.assertEqual(['train'], os.listdir(self.root))


if __name__ == '__main__':
  tf.disable_v2_behavior()
  tf.test.main()
