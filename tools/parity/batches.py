"""Draws the image batches for both sides of a comparison."""

from collections.abc import Iterator

import numpy as np

from cifar10_compat import cifar10
from cifar10_compat import config as config_lib
from cifar10_compat.data import datasets
from cifar10_compat.data import description

Batch = tuple[np.ndarray, np.ndarray]

SEED = 20160216


def draw(
    data_dir: str,
    count: int,
    *,
    seed: int = SEED,
    size: int = config_lib.BATCH_SIZE,
) -> Iterator[Batch]:
  """Draws batches of standardized random crops.

  Args:
    data_dir: the parent directory of cifar-10-batches-bin.
    count: the number of batches.
    seed: the random seed; equal seeds draw equal batches.
    size: the number of images per batch.

  Yields:
    (images, labels), float32 of shape [size, 24, 24, 3] and int32 of shape
    [size], as distorted_inputs returns them.
  """
  random = np.random.RandomState(seed)
  dataset = datasets.CIFAR10
  files = [
      np.memmap(path, np.uint8, 'r').reshape(-1, dataset.record_bytes)
      for path in dataset.filenames(data_dir, False)
  ]
  crop = cifar10.IMAGE_SIZE
  for _ in range(count):
    images = np.empty((size, crop, crop, description.DEPTH), np.float32)
    labels = np.empty(size, np.int32)
    for i in range(size):
      records = files[random.randint(len(files))]
      record = records[random.randint(len(records))]
      labels[i] = record[0]
      planes = record[dataset.label_bytes :].reshape(
          description.DEPTH, description.HEIGHT, description.WIDTH
      )
      y = random.randint(description.HEIGHT - crop + 1)
      x = random.randint(description.WIDTH - crop + 1)
      image = (
          planes[:, y : y + crop, x : x + crop]
          .transpose(1, 2, 0)
          .astype(np.float32)
      )
      images[i] = (image - image.mean()) / max(
          image.std(), 1 / np.sqrt(np.float32(image.size))
      )
    yield images, labels
