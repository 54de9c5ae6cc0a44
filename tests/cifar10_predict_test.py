"""Predictions for image files, from decoding to the printed output."""

import io
import json
import os
import sys
import types
from unittest import mock

import numpy as np
from PIL import Image
import rich.console
import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10_predict
from cifar10_compat import config as config_lib
from cifar10_compat import models
from cifar10_compat.base import errors
from tests.helpers import biased_network
from tests.helpers import program
from tests.helpers import record_fixture
from tests.helpers import saved_network


class FindTest(tf.test.TestCase):

  def test_without_pillow(self):
    with (
        mock.patch.dict(sys.modules, {'PIL': None}),
        self.assertRaisesRegex(errors.UsageError, r'\[data\]'),
    ):
      cifar10_predict.find_images(['a.png'])

  def test_files_directories_and_patterns(self):
    root = self.create_tempdir().full_path

    def path(*names):
      return os.path.join(root, *names)

    os.makedirs(path('photos', 'deeper'))
    for name in (
        path('b.png'),
        path('a.txt'),
        path('photos', 'z.JPG'),
        path('photos', 'y.webp'),
        path('photos', 'notes.txt'),
        path('photos', '.y.webp'),
        path('[x].png'),
    ):
      open(name, 'w').close()

    def find(*names):
      return [
          os.path.relpath(p, root)
          for p in cifar10_predict.find_images([path(n) for n in names])
      ]

    # A file counts whatever its name; in a directory only image files count,
    # and no hidden ones.
    self.assertEqual(
        ['b.png', 'a.txt', 'photos/y.webp', 'photos/z.JPG'],
        find('b.png', 'a.txt', 'photos'),
    )
    self.assertEqual(['[x].png', 'b.png'], find('*.png'))
    self.assertEqual(['photos/z.JPG'], find('**/*.JPG'))
    self.assertEqual(['[x].png'], find('[x].png'))
    for name in ('none.png', '*.bmp', 'photos/deeper'):
      with self.assertRaisesRegex(errors.UsageError, 'no image file'):
        find(name)
    with (
        mock.patch.object(
            os, 'listdir', side_effect=PermissionError(13, 'Permission denied')
        ),
        self.assertRaisesRegex(
            errors.UsageError, r'cannot read .*photos \(Permission denied'
        ),
    ):
      find('photos')


class PredictTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.root = self.create_tempdir().full_path
    self.checkpoint_dir = os.path.join(self.root, 'train')
    # Probabilities: 3/12 for cat, 2/12 for ship, 1/12 for the 7 others except
    # airplane; with the raw weights, airplane has all.
    bias = np.zeros(10)
    bias[[0, 3, 8]] = [-1000, np.log(3), np.log(2)]
    biased_network.save(
        self.checkpoint_dir,
        1,
        averaged=bias,
        raw=1000 * np.eye(10)[0],
        describe=True,
    )
    self.images, _ = record_fixture.random_images(3)

  def _image(self, name, image):
    path = os.path.join(self.root, name)
    Image.fromarray(image).save(path)
    return path

  def _predict_pixels(self, paths, batch_size=2):
    """Predicts with a network that returns its input pixels."""

    def inference(images, config):
      num_classes = config.num_classes
      # A variable, so that there is something to restore.
      w = tf.get_variable('w', initializer=tf.ones([num_classes]))
      return tf.reshape(images, [-1, 24 * 24 * 3])[:, :num_classes] * w

    directory = os.path.join(self.root, 'other')
    config = config_lib.Predict(
        checkpoint_dir=directory, averaged=False, batch_size=batch_size
    )
    saved_network.save(
        directory,
        1,
        build=lambda: inference(tf.zeros([1, 24, 24, 3]), config),
    )
    network = types.SimpleNamespace(inference=inference)
    self.enter_context(
        mock.patch.object(models, 'network', return_value=network)
    )
    return cifar10_predict.predict(paths, config)

  def _assert_pixels_of(self, image, prediction):
    crop = image[4:28, 4:28].astype(np.float64)
    first = ((crop - crop.mean()) / crop.std()).ravel()[:10]
    self.assertAllClose(
        np.exp(first) / np.exp(first).sum(), prediction.probabilities, atol=1e-5
    )

  def _images(self):
    """Returns the paths of the three images."""
    return [
        self._image('%d.png' % i, image) for i, image in enumerate(self.images)
    ]

  def test_the_evaluators_view_of_the_largest_square(self):
    # Unchanged; twice as large, with borders above and below; and at the sides,
    # of which the right one has an extra column if their number is odd.
    tall = np.full([90, 64, 3], 200, np.uint8)
    tall[13:77] = self.images[1].repeat(2, 0).repeat(2, 1)
    wide = np.full([32, 37, 3], 100, np.uint8)
    wide[:, 2:34] = self.images[2]
    paths = [
        self._image('plain.png', self.images[0]),
        self._image('tall.png', tall),
        self._image('wide.png', wide),
    ]
    predictions = list(self._predict_pixels(paths))
    self.assertEqual(paths, [p.path for p in predictions])
    for image, prediction in zip(self.images, predictions):
      self._assert_pixels_of(image, prediction)

  def test_a_failed_file_leaves_the_others_theirs(self):
    first, second, third = self._images()
    bad = self.create_tempfile().full_path
    # In batches of three: a bad file between two good ones, only bad ones, one
    # file twice.
    paths = [first, bad, second, bad, bad, bad, bad, third, third]
    predictions = list(self._predict_pixels(paths, batch_size=3))
    self.assertEqual(paths, [p.path for p in predictions])
    for i, image in ((0, 0), (2, 1), (7, 2), (8, 2)):
      self.assertIsNone(predictions[i].error)
      self._assert_pixels_of(self.images[image], predictions[i])
    for i in (1, 3, 4, 5, 6):
      self.assertIsNone(predictions[i].probabilities)
      self.assertIn(bad, predictions[i].error)

  def test_the_callers_graph_stays_the_default(self):
    paths = self._images()[:2]
    ours = tf.get_default_graph()
    # The first generator ends first, which a stack of graphs would not allow.
    for predictions in zip(
        self._predict_pixels(paths), self._predict_pixels(paths + paths[:1])
    ):
      self.assertIs(ours, tf.get_default_graph())
      self.assertIsNone(tf.get_default_session())
      self.assertAllEqual(*[p.probabilities for p in predictions])

  def test_program(self):
    good = self._image('[red]good.png', self.images[0])
    bad = self.create_tempfile('bad.png', content='text').full_path
    # A name that is not UTF-8, like those of old files.
    other = self._image('other\udcff.jpg', self.images[0])
    flag = '--checkpoint_dir=' + self.checkpoint_dir

    code, out, err = program.run(
        'cifar10_predict',
        flag,
        '--top_k=2',
        good,
        bad,
        other,
        env={'PYTHONIOENCODING': 'ascii:strict'},
    )
    self.assertEqual(
        ''.join(
            '%s\tcat 0.250\tship 0.167\n' % path
            for path in (good, other.replace('\udcff', '\\xff'))
        ),
        out,
    )
    self.assertEqual(
        'skipped %s cannot be decoded (cannot identify image file %r)\n'
        'cifar10_predict.py: error: 1 of 3 files could not be decoded\n'
        % (bad, bad),
        err,
    )
    self.assertEqual(1, code)

    # `bazel run` passes the user's directory in this variable.
    out = program.output(
        'cifar10_predict',
        '[red]good.png',
        flag,
        '--json',
        '--top_k=99',
        '--averaged=false',
        '--batch_size=1',
        'o*.jpg',
        env={'BUILD_WORKING_DIRECTORY': self.root},
    )
    lines = [json.loads(line) for line in out.splitlines()]
    self.assertEqual(
        ['[red]good.png', 'other\udcff.jpg'], [line['file'] for line in lines]
    )
    for line in lines:
      self.assertLen(line['predictions'], 10)
      self.assertEqual(
          {'class': 'airplane', 'probability': 1.0}, line['predictions'][0]
      )

  def test_table(self):
    out = io.StringIO()
    rich.console.Console(file=out, width=60).print(
        cifar10_predict._table([('[red]a.png', [('cat', 0.25)])], 1)
    )
    self.assertRegex(out.getvalue(), r'\[red\]a\.png +│ cat +│ 0\.250')

  def test_no_argument_and_other_model(self):
    with self.assertRaisesRegex(errors.UsageError, 'no image specified'):
      cifar10_predict.main(config_lib.Predict(), None)
    with self.assertRaisesRegex(errors.UsageError, '--model=cifar10'):
      list(
          cifar10_predict.predict(
              ['a'],
              config_lib.Predict(
                  checkpoint_dir=self.checkpoint_dir,
                  model=config_lib.CONV_LOCAL,
              ),
          )
      )
