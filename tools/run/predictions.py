"""Computes statistics of a network's predictions for the test images."""

from typing import NamedTuple, Tuple

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10_input
from cifar10_compat import config as config_lib
from cifar10_compat import models
from cifar10_compat.data import checks
from cifar10_compat.data import description
from cifar10_compat.training import checkpoint_list
from cifar10_compat.training import checkpoints


class Mistake(NamedTuple):
  """An image that the network misclassifies.

  Attributes:
    image: int, the index of the image.
    label, answer: int, the true class and the predicted class.
    probability: float, the probability of the answer.
  """

  image: int
  label: int
  answer: int
  probability: float


class Bin(NamedTuple):
  """The answers whose probability is in one range.

  Attributes:
    count: int, the number of answers.
    probability: float, the mean probability of the answers.
    precision: float, the fraction of correct answers.
  """

  count: int
  probability: float
  precision: float


def test_images(dataset, data_dir):
  """Reads the images for evaluation.

  Args:
    dataset: description.Dataset.
    data_dir: str, the parent directory of the set's directory.

  Returns:
    images: uint8 array of shape [n, 32, 32, 3].
    labels: uint8 array of shape [n].

  Raises:
    DataError: see checks.check().
  """
  checks.check(dataset, data_dir, True)
  records = np.concatenate(
      [
          np.fromfile(path, np.uint8).reshape(-1, dataset.record_bytes)
          for path in dataset.filenames(data_dir, True)
      ]
  )
  # A record stores one color plane after another: see description.py.
  planes = records[:, dataset.label_bytes :].reshape(
      -1, description.DEPTH, description.HEIGHT, description.WIDTH
  )
  return planes.transpose(0, 2, 3, 1), records[:, dataset.label_index]


def logits(images, config):
  """Runs images through the network of the newest checkpoint in a directory.

  Args:
    images: uint8 array of shape [n, 32, 32, 3].
    config: config.Checkpoint, with the directory, the network and whether to
      use the moving averages.

  Returns:
    float32 array of shape [n, number of classes].

  Raises:
    UsageError, CheckpointError: see checkpoints.Checkpoint.restore().
  """
  with tf.Graph().as_default(), tf.Session() as session:
    # TF_DETERMINISTIC_OPS rejects an initializer without a seed.
    tf.set_random_seed(1)
    batch = tf.placeholder(
        tf.uint8,
        [None, description.HEIGHT, description.WIDTH, description.DEPTH],
    )
    outputs = models.network(config).inference(
        cifar10_input.central_view(batch), config
    )
    checkpoint_list.newest(config.checkpoint_dir).restore(
        tf.train.Saver(checkpoints.trained_variables(config.averaged)),
        session,
        config,
    )
    return np.concatenate(
        [
            session.run(outputs, {batch: images[i : i + config_lib.BATCH_SIZE]})
            for i in range(0, len(images), config_lib.BATCH_SIZE)
        ]
    )


def probabilities(outputs):
  """Returns the softmax of logits, float64 of the same shape."""
  outputs = outputs.astype(np.float64)
  exponentials = np.exp(outputs - outputs.max(1, keepdims=True))
  return exponentials / exponentials.sum(1, keepdims=True)


def confusion(outputs, labels):
  """Counts the answers for the images of each class.

  Args:
    outputs: array of shape [n, classes], logits or probabilities.
    labels: int array of shape [n].

  Returns:
    int array of shape [classes, classes], by label and by answer.
  """
  classes = outputs.shape[1]
  counts = np.zeros([classes, classes], np.int64)
  np.add.at(counts, (labels, outputs.argmax(1)), 1)
  return counts


def surest_mistakes(shares, labels, number):
  """Returns the wrong answers with the highest probability.

  Args:
    shares: array of shape [n, classes], probabilities.
    labels: int array of shape [n].
    number: int, the maximum number of answers.

  Returns:
    list of Mistake, the most confident first.
  """
  answers = shares.argmax(1)
  wrong = np.flatnonzero(answers != labels)
  order = wrong[np.argsort(-shares[wrong, answers[wrong]], kind='stable')]
  return [
      Mistake(
          int(i), int(labels[i]), int(answers[i]), float(shares[i, answers[i]])
      )
      for i in order[:number]
  ]


def reliability(shares, labels, bins=10):
  """Compares the probabilities of the answers with their precision.

  Args:
    shares: array of shape [n, classes], probabilities.
    labels: int array of shape [n].
    bins: int, the number of equal parts of the range from 0 to 1.

  Returns:
    (tuple of the Bins that contain answers, float): the float is the expected
    calibration error, the mean difference between the probability and the
    precision of a bin, weighted by the bin's number of answers.
  """
  likeliest = shares.max(1)
  right = shares.argmax(1) == labels
  places = np.minimum((likeliest * bins).astype(int), bins - 1)
  found: Tuple[Bin, ...] = tuple(
      Bin(
          int(chosen.sum()),
          float(likeliest[chosen].mean()),
          float(right[chosen].mean()),
      )
      for chosen in (places == i for i in range(bins))
      if chosen.any()
  )
  error = sum(b.count * abs(b.probability - b.precision) for b in found)
  return found, error / len(labels)


def confusion_table(names, counts):
  """Formats a confusion matrix as a table.

  Args:
    names: sequence of str, the names of the classes.
    counts: list of lists of int, by class and by answer.

  Returns:
    (list of str, list of lists of str), the columns and rows of a table.
  """
  rows = []
  for i, (name, row) in enumerate(zip(names, counts)):
    answers = sum(other[i] for other in counts)
    rows.append(
        [name]
        + ['**%d**' % n if i == j else str(n) for j, n in enumerate(row)]
        + [
            '%.3f' % (row[i] / max(1, sum(row))),
            '%.3f' % (row[i] / max(1, answers)),
        ]
    )
  heads = ['true class, predicted as', *names, 'recall', 'precision']
  return heads, rows
