"""The two sides of a comparison, and their common interface.

The *original* is an unmodified edition of the tutorial, on today's TensorFlow
(today_side.py) or on an old TensorFlow in an old interpreter (old_side.py).
The *port* is this project, always on today's TensorFlow.  Both sides have the
same interface, so each comparison is written only once.
"""

import abc
from collections.abc import Iterable, Iterator
import os
from typing import NamedTuple, Optional

import numpy as np

from cifar10_compat.training import checkpoints

from ..base import processes
from ..editions import old_scripts
from ..editions import scripts
from . import batches

# The checkpoint formats.
FORMATS = ('V1', 'V2')
LOGITS = 'activation: softmax_linear/softmax_linear'


class Look(NamedTuple):
  """A step of the original, with the recorded values.

  Attributes:
    step: the number of steps before this step.
    start: the checkpoint from which the port starts; '' to continue from the
      previous step.
    tries: iterable of (batch, recorded values of the step on the batch); the
      first batch on which both sides take the same branches is compared.
  """

  step: int
  start: str
  tries: Iterable[tuple[batches.Batch, dict[str, np.ndarray]]]


class Side(abc.ABC):
  """One side of a comparison.

  Attributes:
    source: the directory of the unmodified files; '' for the port.
    edition: the edition of the source; None for the port.
    data_dir: the parent directory of cifar-10-batches-bin.
    runtime: the version of an old TensorFlow; None for today's TensorFlow.
    steps: the number of steps to train.
    keys: the keys of the side's variables.
    marked: dict from key to array; all elements of all arrays are distinct.
      The side has a checkpoint of `marked` in each format.
    tags: the tags of the side's summaries.
  """

  source: str = ''
  edition: Optional[scripts.Edition] = None
  data_dir: str = ''
  runtime: Optional[str] = None
  steps: int = 0
  keys: Iterable[str]
  marked: dict[str, np.ndarray]
  tags: frozenset[str]

  @property
  def where(self) -> str:
    """The side's TensorFlow, as shown in titles; '' for today's TensorFlow."""
    return ' on TensorFlow ' + self.runtime if self.runtime else ''

  def program(self, script: str) -> tuple[str, list[str]]:
    """Returns the module that runs a script, and the module's first arguments.

    Args:
      script: one of scripts.SCRIPTS.
    """
    if not self.source:
      return 'cifar10_compat.' + script, []
    return processes.tool('editions.scripts'), old_scripts.arguments(
        self.source, script, self.runtime
    )

  @abc.abstractmethod
  def saved(self, form: str) -> str:
    """Returns the path of a checkpoint of `marked`, in one of FORMATS."""

  @abc.abstractmethod
  def restored(
      self, form: str, path: str, names: dict[str, str]
  ) -> dict[str, np.ndarray]:
    """Restores the other side's checkpoint of `marked`.

    Args:
      form: the format of the checkpoint.
      path: the path of the checkpoint.
      names: dict from keys of this side to keys in the checkpoint.

    Returns:
      A dict from key to the variable's restored value.
    """

  @abc.abstractmethod
  def looks(self) -> Iterator[Look]:
    """Takes the steps to compare; the port repeats each step."""

  @abc.abstractmethod
  def leave(self, directory: str, steps: int) -> str:
    """Saves a checkpoint of the trained values, as a trainer does.

    Args:
      directory: the directory to create.
      steps: number of steps trained.

    Returns:
      directory.
    """

  @abc.abstractmethod
  def draw(
      self, data_dir: str, count: int
  ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draws distorted images through the side's queues.

    Args:
      data_dir: the directory that the queues read.
      count: minimum number of images.

    Returns:
      (images, labels, brightness): float32 of shape [n, 24, 24, 3], int32 of
      shape [n], and float32 of shape [m], the brightness values added to
      images.

    Raises:
      UsageError: the input cannot run, or does not change brightness before
        contrast.
    """


def checkpoint_name(directory: str, steps: int) -> str:
  """Returns the path of a step's checkpoint, as in a train_dir."""
  return os.path.join(directory, '%s-%d' % (checkpoints.BASENAME, steps))
