"""Small binary batches for the tests, generated on the fly."""

import os
import pathlib

import numpy as np

from cifar10_compat.data import datasets
from cifar10_compat.data import description


def record(label, pixels):
  """Returns the 3,073 bytes of one record.

  Args:
    label: int, 0 to 255.
    pixels: uint8 array of shape [32, 32, 3].
  """
  planes = np.asarray(pixels, np.uint8).transpose(2, 0, 1)
  return bytes([label]) + planes.tobytes()


def plain(red, green, blue):
  """Returns a [32, 32, 3] image of one color."""
  return np.full((32, 32, 3), (red, green, blue), np.uint8)


def write_batches(
    data_dir, images, labels, *, directory='cifar-10-batches-bin'
):
  """Writes every image to each of the six files.

  Args:
    data_dir: str.
    images: uint8 array of shape [n, 32, 32, 3].
    labels: ints, n of them.
    directory: str, the name of the data set's directory.

  Returns:
    str, the directory of the files.
  """
  path = os.path.join(data_dir, directory)
  os.makedirs(path, exist_ok=True)
  contents = b''.join(record(l, i) for l, i in zip(labels, images))
  for name in ['data_batch_%d.bin' % i for i in range(1, 6)] + [
      'test_batch.bin'
  ]:
    pathlib.Path(path, name).write_bytes(contents)
  return path


def write_cifar100(path, images):
  """Writes two images: coarse label 19, fine label 99; and 4, 0."""
  pathlib.Path(path).write_bytes(
      bytes([19]) + record(99, images[0]) + bytes([4]) + record(0, images[1])
  )


def write_set(directory, images, labels):
  """Writes a custom set that trains and tests on the same images.

  Its queue holds 0.4 of them, and fills at once.

  Args:
    directory: str, must exist.
    images: uint8 array of shape [n, 32, 32, 3].
    labels: ints, n of them, 0 to 9.

  Returns:
    description.Dataset.
  """
  dataset = description.Dataset(
      'small',
      directory,
      ('train.bin',),
      ('test.bin',),
      datasets.CIFAR10.class_names,
      len(images),
      len(images),
  )
  contents = b''.join(record(l, i) for l, i in zip(labels, images))
  for name in dataset.train_files + dataset.eval_files:
    pathlib.Path(directory, name).write_bytes(contents)
  pathlib.Path(directory, description.FILE_NAME).write_text(
      description.describe(dataset)
  )
  return dataset


def random_images(n, seed=0):
  """Returns n images of noise and their labels, 0 to 9 in turn."""
  images = (
      np.random.RandomState(seed)
      .randint(0, 256, (n, 32, 32, 3))
      .astype(np.uint8)
  )
  return images, [i % 10 for i in range(n)]
