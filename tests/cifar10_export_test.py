"""The SavedModel, loaded by a process that cannot import this project."""

import os
import pathlib
import resource
import struct

import numpy as np
from PIL import Image
import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10
from cifar10_compat import cifar10_export
from cifar10_compat import config as config_lib
from cifar10_compat import models
from cifar10_compat.base import errors
from cifar10_compat.data import datasets
from cifar10_compat.training import notes
from tests.helpers import program
from tests.helpers import record_fixture
from tests.helpers import versions

N = 300

# Runs the exports for Keras and LiteRT.
_RUN_FILES = """
import sys
import numpy as np
import tensorflow as tf
images = np.load(sys.argv[1])
if len(sys.argv) > 3:
  import keras
  model = keras.models.load_model(sys.argv[3])
  np.savez('keras', **{k: np.asarray(v) for k, v in model(images).items()})
runner = tf.lite.Interpreter(sys.argv[2]).get_signature_runner(
    'serving_default')
np.savez('litert', **{k: v.astype('S') if v.dtype == object else v
                       for k, v in runner(images=images).items()})
assert not [m for m in sys.modules if 'cifar10_compat' in m]
"""

# Also encodes the images, one of them enlarged and with borders at the sides.
_LOAD = """
import sys
import numpy as np
import tensorflow as tf
images = np.load(sys.argv[1])
wide = np.zeros([64, 90, 3], np.uint8)
wide[:, 13:77] = images[0].repeat(2, 0).repeat(2, 1)
files = [tf.io.encode_png(image).numpy() for image in [wide] + list(images[:8])]
files += [tf.io.encode_jpeg(image, quality=100).numpy() for image in images[:2]]
for path in sys.argv[2:]:
  model = tf.saved_model.load(path)
  default = model.signatures['serving_default']
  results = {
      'one': default(images=tf.constant(images[:1])),
      'all': default(images=tf.constant(images)),
      'none': default(images=tf.constant(images[:0])),
      'encoded': model.signatures['encoded'](encoded=tf.constant(files))}
  np.savez(path + '.npz', **{
      n + '/' + k: v.numpy().astype('S') if v.dtype == tf.string else v.numpy()
      for n, r in results.items() for k, v in r.items()})
assert not [m for m in sys.modules if 'cifar10_compat' in m]
"""


def _masked_bmp(image, masks):
  """Returns a BMP of 32 bits per pixel; masks are of red, green and blue."""
  height, width, _ = image.shape
  pixels = sum(
      image[::-1, :, c].astype('<u4') * (mask & -mask)
      for c, mask in enumerate(masks)
  ).astype('<u4')
  header = 14 + 40 + 12
  return (
      struct.pack('<2sIHHI', b'BM', header + pixels.nbytes, 0, 0, header)
      + struct.pack('<IiiHHIIiiII', 40, width, height, 1, 32, 3, 0, 0, 0, 0, 0)
      + struct.pack('<3I', *masks)
      + pixels.tobytes()
  )


def _softmax(logits):
  exponentials = np.exp(logits)
  return exponentials / exponentials.sum(1, keepdims=True)


def save_trained(directory, model, *, steps=3, dataset=datasets.CIFAR10):
  """Trains a few steps on noise, and saves as a trainer does.

  Args:
    directory: str, created if missing.
    model: str, a value of --model.
    steps: int.
    dataset: description.Dataset to record in the directory, with 10 classes.

  Returns:
    dict from bool, averaged, to float32 [N, 10]: the training graph's logits
    for the images of random_images(N).
  """
  config = config_lib.Network(model=model, dataset=dataset)
  images, labels = record_fixture.random_images(N)
  # Prepare the images as the evaluator's input does: see cifar10_input_test.py.
  crops = images[:, 4:28, 4:28].astype(np.float64)
  crops -= crops.mean((1, 2, 3), keepdims=True)
  crops /= crops.std((1, 2, 3), keepdims=True)
  logits = {}
  with tf.Graph().as_default(), tf.Session() as sess:
    tf.set_random_seed(1)
    batch = tf.placeholder_with_default(
        crops[:32].astype(np.float32), [None, 24, 24, 3]
    )
    out = models.network(config).inference(batch, config)
    train_op = cifar10.train(
        cifar10.loss(out, tf.constant(labels[:32])),
        tf.train.get_or_create_global_step(),
    )
    sess.run(tf.global_variables_initializer())
    # Like trained weights, these give different logits for different images.
    for v in tf.trainable_variables():
      if v.op.name in ('conv1/weights', 'conv2/weights'):
        v.load(0.03 * np.random.RandomState(0).randn(*v.shape.as_list()), sess)
    for _ in range(steps):
      sess.run(train_op)
    os.makedirs(directory, exist_ok=True)
    path = tf.train.Saver(tf.global_variables()).save(
        sess, os.path.join(directory, 'model.ckpt'), steps
    )
    notes.write(directory, config)
    logits[False] = sess.run(out, {batch: crops})
    tf.train.Saver(
        {
            v.op.name + '/ExponentialMovingAverage': v
            for v in tf.trainable_variables()
        }
    ).restore(sess, path)
    logits[True] = sess.run(out, {batch: crops})
  return logits


class ExportTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.root = self.create_tempdir().full_path
    self.checkpoint_dir = os.path.join(self.root, 'train')
    self.images = os.path.join(self.create_tempdir().full_path, 'images.npy')
    np.save(self.images, record_fixture.random_images(N)[0])

  def _export(self, **kwargs):
    return cifar10_export.export(
        config_lib.Export(**{'checkpoint_dir': self.checkpoint_dir} | kwargs)
    )

  def _load(self, *export_dirs):
    """Loads exports in a plain TensorFlow 2 process; returns its outputs.

    Args:
      *export_dirs: str, directories of SavedModels.

    Returns:
      list of dicts, one per directory, from SIGNATURE/OUTPUT to an array.
    """
    code, out, err = program.python(
        '-W',
        'always',
        '-c',
        _LOAD,
        self.images,
        *export_dirs,
        cwd=self.root,
        env={
            'PYTHONPATH': None,
            # Hide information, but show warnings.
            'TF_CPP_MIN_LOG_LEVEL': '1',
            'CUDA_VISIBLE_DEVICES': '-1',
            # With oneDNN, which is on by default on some processors, TensorFlow
            # rejects a convolution of an empty batch.
            'TF_ENABLE_ONEDNN_OPTS': '0',
        },
    )
    self.assertEqual((0, ''), (code, out), err)
    # Ignore an error of the driver, which does not concern the model.
    self.assertEqual(
        [],
        [l for l in err.splitlines() if 'failed call to cuInit' not in l],
    )
    return [np.load(path + '.npz') for path in export_dirs]

  def _check_signatures(self, found, want, class_names):
    """Compares an export's outputs from _load() with the wanted logits."""
    logits = found['all/logits']
    for name, images, atol in (
        ('all/logits', slice(None), 1e-4),
        ('one/logits', slice(1), 1e-4),
        # PNG is lossless; the first one is image 0, enlarged.
        ('encoded/logits', [0, *range(8)], 1e-4),
    ):
      self.assertAllClose(
          want[images], found[name][: len(want[images])], rtol=0, atol=atol
      )
    self.assertAllClose(want[:2], found['encoded/logits'][9:], rtol=0, atol=0.5)
    self.assertEqual((0, 10), found['none/logits'].shape)
    self.assertAllClose(_softmax(logits), found['all/probabilities'])
    self.assertAllEqual(logits.argmax(1), found['all/classes'])
    self.assertEqual(
        [list(class_names)] * N,
        [[n.decode() for n in row] for row in found['all/class_names']],
    )

  def test_bmp(self):
    """Tests palettes, and variants of BMP that TensorFlow does not decode."""
    image = record_fixture.random_images(1)[0][0]
    encoded = tf.placeholder(tf.string, [])
    decoded = cifar10_export._decode(encoded)

    def decode(picture, name='image.bmp'):
      path = os.path.join(self.root, name)
      picture.save(path)
      return sess.run(decoded, {encoded: pathlib.Path(path).read_bytes()})

    picture = Image.fromarray(image)
    with tf.Session() as sess:
      for other in (
          picture,
          picture.convert('L'),
          picture.quantize(7),
          picture.quantize(256),
      ):
        self.assertAllEqual(
            np.asarray(other.convert('RGB')), decode(other), other.mode
        )
      self.assertAllEqual(image, decode(picture, 'image.png'))
      for masks, expected in (
          ((0xFF0000, 0xFF00, 0xFF), image),
          ((0xFF, 0xFF00, 0xFF0000), None),
      ):
        contents = _masked_bmp(image, masks)
        if expected is None:
          with self.assertRaisesRegex(
              tf.errors.InvalidArgumentError, r'compression\] \[3\]'
          ):
            sess.run(decoded, {encoded: contents})
        else:
          self.assertAllEqual(expected, sess.run(decoded, {encoded: contents}))
      with self.assertRaisesRegex(
          tf.errors.InvalidArgumentError,
          r'\[a BMP with\] \[1\] \[bits .*: convert it to PNG\]',
      ):
        decode(picture.convert('1'))
      with self.assertRaises(tf.errors.InvalidArgumentError):
        sess.run(decoded, {encoded: b'no'})

  def test_signatures(self):
    expected = []
    # A set with other names shows where the names come from.
    other = datasets.CIFAR10._replace(
        name='other', class_names=tuple('zyxwvutsrq')
    )
    for model, dataset in (
        (config_lib.CIFAR10, datasets.CIFAR10),
        (config_lib.CONV_LOCAL, other),
    ):
      directory = os.path.join(self.checkpoint_dir, model)
      logits = save_trained(directory, model, dataset=dataset)
      # Averages and raw weights give different logits.
      self.assertGreater(abs(logits[True] - logits[False]).max(), 1e-2)
      expected.append(logits[True])
      if model == config_lib.CIFAR10:
        raw = logits[False]
      export_dir = os.path.join(self.root, model)
      os.makedirs(export_dir)  # An empty directory is accepted.
      self._export(
          checkpoint_dir=directory,
          export_dir=export_dir + os.sep,
          dataset=dataset,
          model=model,
      )
      self.assertEqual(
          ['saved_model.pb'],
          [f for _, _, files in os.walk(export_dir) for f in files],
      )

    train_dir = os.path.join(self.checkpoint_dir, 'cifar10')
    raw_dir = os.path.join(self.root, 'raw')
    out = program.output(
        'cifar10_export',
        '--checkpoint_dir=' + train_dir,
        '--export_dir=' + raw_dir,
        '--averaged=false',
    )
    self.assertEqual(
        'Exported %s/model.ckpt-3 to %s.\n' % (train_dir, raw_dir), out
    )

    *averaged, of_program = self._load(
        os.path.join(self.root, 'cifar10'),
        os.path.join(self.root, 'conv_local'),
        raw_dir,
    )
    self.assertAllClose(raw, of_program['all/logits'], rtol=0, atol=1e-4)
    for want, dataset, found in zip(
        expected, (datasets.CIFAR10, other), averaged
    ):
      self._check_signatures(found, want, dataset.class_names)

  def test_files(self):
    logits = save_trained(self.checkpoint_dir, config_lib.CIFAR10)[True]
    paths = []
    for form, file in [('litert', 'model.tflite')] + (
        [('keras', 'model.keras')] if versions.has_keras_3() else []
    ):
      export_dir = os.path.join(self.root, form)
      paths.append(os.path.join(export_dir, file))
      out = program.output(
          'cifar10_export',
          '--checkpoint_dir=' + self.checkpoint_dir,
          '--export_dir=' + export_dir,
          '--format=' + form,
          # A user with a read-only home directory (Keras loads matplotlib), and
          # another backend of Keras, which is not installed.
          env={
              'MPLCONFIGDIR': os.path.join(self.images, 'missing'),
              'KERAS_BACKEND': 'torch',
          },
      )
      self.assertEqual(
          'Exported %s/model.ckpt-3 to %s.\n'
          % (self.checkpoint_dir, paths[-1]),
          out,
      )
      self.assertEqual([file], os.listdir(export_dir))

    code, _, err = program.python(
        '-c',
        _RUN_FILES,
        self.images,
        *paths,
        cwd=self.root,
        env={'PYTHONPATH': None},
    )
    self.assertEqual(0, code, err)
    for path in paths:
      found = np.load(os.path.dirname(path) + '.npz')
      self.assertAllClose(logits, found['logits'], rtol=1e-5, atol=1e-5)
      self.assertAllClose(
          _softmax(logits), found['probabilities'], rtol=0, atol=1e-5
      )
    litert = np.load(os.path.join(self.root, 'litert.npz'))
    self.assertAllEqual(logits.argmax(1), litert['classes'])
    self.assertEqual(
        [[name.encode() for name in datasets.CIFAR10.class_names]] * N,
        [list(row) for row in litert['class_names']],
    )

  def test_what_cannot_be_exported(self):
    export_dir = os.path.join(self.root, 'export')
    empty = os.path.join(self.root, 'empty')
    os.mkdir(empty)
    not_a_directory = self.create_tempfile().full_path
    missing = os.path.join(self.root, 'missing')
    save_trained(self.checkpoint_dir, config_lib.CIFAR10, steps=0)
    for kwargs, error, expected in (
        (
            {'checkpoint_dir': missing},
            errors.CheckpointError,
            'No checkpoint file',
        ),
        (
            {'checkpoint_dir': missing, 'export_dir': empty},
            errors.CheckpointError,
            'No checkpoint file',
        ),
        (
            {'model': config_lib.CONV_LOCAL},
            errors.UsageError,
            '--model=cifar10',
        ),
        (
            {'export_dir': self.checkpoint_dir},
            errors.UsageError,
            'already exists',
        ),
        (
            {'export_dir': not_a_directory + '/export'},
            errors.UsageError,
            'cannot write',
        ),
    ):
      with self.assertRaisesRegex(error, expected):
        self._export(**{'export_dir': export_dir} | kwargs)
    # A limit on file sizes simulates a full disk.
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, limits[1]))
    try:
      for directory in (export_dir, empty):
        with self.assertRaisesRegex(
            errors.UsageError, 'cannot write .*File too large'
        ):
          self._export(export_dir=directory)
    finally:
      resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    # No incomplete export remains, and earlier files are intact.
    self.assertCountEqual(['empty', 'train'], os.listdir(self.root))
    self.assertEqual([], os.listdir(empty))
