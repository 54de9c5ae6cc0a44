"""The two sides of a comparison, and what each of them is asked.

The *original* is an unmodified edition of the tutorial, on today's TensorFlow
(today_side.py) or, in an interpreter of its own, on one of the time
(old_side.py).  The *port* is this project, always on today's.  Both answer the
same questions, so that a comparison is written once and takes two sides.
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

# The formats of a checkpoint.
FORMATS = ('V1', 'V2')
LOGITS = 'activation: softmax_linear/softmax_linear'


class Look(NamedTuple):
  """A step that an original took, and notes of it.

  Attributes:
    step: how many steps were taken before it.
    start: the checkpoint that the port is to begin with; '' where it goes on.
    tries: (batch, what the step on it noted), of which one is to be compared:
      the first on which both sides decide alike.
  """

  step: int
  start: str
  tries: Iterable[tuple[batches.Batch, dict[str, np.ndarray]]]


class Side(abc.ABC):
  """One side of a comparison.

  Attributes:
    source: the directory of the unmodified files; '' for the port.
    edition: of the source; None for the port.
    data_dir: the directory above cifar-10-batches-bin.
    runtime: the version of a TensorFlow of the time; None for today's.
    steps: how many steps it trains.
    keys: of its variables.
    marked: from key to values that tell every variable, and every element, from
      others; it has a checkpoint of them in each format.
    tags: of its summaries.
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
    """What a title says about the TensorFlow it runs on."""
    return ' on TensorFlow ' + self.runtime if self.runtime else ''

  def program(self, script: str) -> tuple[str, list[str]]:
    """Returns the module of a script, and arguments before the script's own.

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
    """Restores the other side's checkpoint of what it has marked.

    Args:
      form: its format.
      path: of the checkpoint.
      names: from keys of this side to those in the checkpoint.

    Returns:
      From key to what became of the variable.
    """

  @abc.abstractmethod
  def looks(self) -> Iterator[Look]:
    """Takes the steps that are compared, which the port follows."""

  @abc.abstractmethod
  def leave(self, directory: str, steps: int) -> str:
    """Leaves a checkpoint of the values after the training, as a trainer does.

    Args:
      directory: is made.
      steps: how long the training was.

    Returns:
      directory.
    """

  @abc.abstractmethod
  def draw(
      self, data_dir: str, count: int
  ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draws distorted images through its own queues.

    Args:
      data_dir: where these read.
      count: how many images, at least.

    Returns:
      (images, labels, brightness): float32 of shape [n, 24, 24, 3], int32 of
      shape [n], and float32 of shape [m], what is added to an image.

    Raises:
      UsageError: its input cannot be run, or does not change brightness before
        contrast.
    """


def checkpoint_name(directory: str, steps: int) -> str:
  """Returns a trainer's name of a checkpoint, with its step."""
  return os.path.join(directory, '%s-%d' % (checkpoints.BASENAME, steps))
