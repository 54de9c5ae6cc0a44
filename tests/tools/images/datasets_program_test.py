"""Trainer and evaluator on every kind of set, from its files to a precision.

Many processes, and so in //tests:slow.
"""

import os
import pathlib

from absl.testing import absltest
import numpy as np
from PIL import Image
import scipy.io
import tensorflow.compat.v1 as tf

from cifar10_compat.data import datasets
from cifar10_compat.data import svhn
from tests.helpers import program
from tests.helpers import record_fixture
from tools.images import make_records


class DatasetsProgramTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self.data_dir = self.create_tempdir().full_path
    self.train_dir = os.path.join(self.data_dir, 'train')

  def _train_and_evaluate(self, name, num_classes, num_test):
    common = [
        '--dataset=' + name,
        '--data_dir=' + self.data_dir,
        '--batch_size=8',
    ]
    code, out, err = program.run(
        'cifar10_train',
        '--max_steps=2',
        '--train_dir=' + self.train_dir,
        *common,
    )
    self.assertEqual((0, ''), (code, err), out)
    biases = tf.train.load_variable(self.train_dir, 'softmax_linear/biases')
    self.assertEqual((num_classes,), biases.shape)
    code, out, err = program.run(
        'cifar10_eval',
        '--run_once',
        '--checkpoint_dir=' + self.train_dir,
        '--eval_dir=' + os.path.join(self.train_dir, 'eval'),
        *common,
    )
    self.assertEqual((0, ''), (code, err), out)
    correct = float(out.rpartition(' ')[2]) * num_test
    self.assertAlmostEqual(round(correct), correct, delta=0.001 * num_test)

  def test_own_images(self):
    images = os.path.join(self.data_dir, 'images')
    # Fewer than a batch.
    for name in ('ant', 'bee', 'cat'):
      os.makedirs(os.path.join(images, name))
      for i, pixels in enumerate(record_fixture.random_images(3)[0]):
        Image.fromarray(pixels).save(os.path.join(images, name, '%d.png' % i))
    out = os.path.join(self.data_dir, 'own')
    self.assertEqual(
        0, make_records.main(['--images=' + images, '--out=' + out])
    )
    self._train_and_evaluate(out, 3, 3)

    # A set of the same name and size with other classes.
    os.rename(out, os.path.join(self.data_dir, 'moved'))
    os.rename(os.path.join(images, 'ant'), os.path.join(images, 'dog'))
    self.assertEqual(
        0, make_records.main(['--images=' + images, '--out=' + out])
    )
    code, _, err = program.run(
        'cifar10_train', '--dataset=' + out, '--train_dir=' + self.train_dir
    )
    self.assertEqual(1, code)
    self.assertRegex(err, "^cifar10_train.py: error: .*'own' with other class")

  def test_cifar100(self):
    directory = os.path.join(self.data_dir, 'cifar-100-binary')
    os.makedirs(directory)
    images, _ = record_fixture.random_images(20)
    for name in ('train.bin', 'test.bin'):
      pathlib.Path(directory, name).write_bytes(
          b''.join(
              bytes([i]) + record_fixture.record(99 - i, image)
              for i, image in enumerate(images)
          )
      )
    self._train_and_evaluate('cifar100', 100, 20)
    self.train_dir += '_coarse'
    self._train_and_evaluate('cifar100_coarse', 20, 20)

  def test_svhn(self):
    images, labels = record_fixture.random_images(20)
    path = os.path.join(self.data_dir, '32x32.mat')
    scipy.io.savemat(
        path,
        {
            'X': images.transpose(1, 2, 3, 0),
            'y': np.array(labels, np.uint8).reshape(-1, 1) + 1,
        },
        do_compression=True,
    )
    svhn.write_batches(
        os.path.join(self.data_dir, datasets.SVHN.directory), path, path
    )
    self._train_and_evaluate('svhn', 10, 20)
