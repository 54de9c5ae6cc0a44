"""The original on an old TensorFlow, run by an old interpreter.

The old interpreter runs tools/editions/old/training.py, which has the edition's
trainer build its graph, takes the steps, and writes the results to files.
"""

import functools
import glob
import os
import shutil
import tempfile
from typing import Optional

import numpy as np
import tensorflow.compat.v1 as tf

from ..base import event_files
from ..base import json_files
from ..editions import environments
from ..editions import old_scripts
from ..editions import scripts
from . import batches
from . import sides
from . import today_side

# Number of batches to compare before training, and again after training: see
# steps.compare().  Each batch repeats _DISTINCT images: with 128 distinct
# images, a rectifier or maximum took the other branch on TensorFlow 0.12.1 in
# 24 of 40 batches.
LOOKS = 4
_DISTINCT = 16


def arrays(directory: str, name: str) -> dict[str, np.ndarray]:
  """Returns the arrays in NAME.npz."""
  with np.load(os.path.join(directory, name + '.npz')) as f:
    return {key: f[key] for key in f.files}


class Old(sides.Side):
  """An unmodified edition on an old TensorFlow.

  Attributes:
    drawn: the batches to compare or train on.
    losses: the loss of each training step.
  """

  def __init__(
      self,
      source: str,
      environment: environments.Environment,
      edition: scripts.Edition,
      data_dir: str,
      *,
      steps: int = 0,
  ):
    """Prepares the side; ask() runs the old TensorFlow.

    Args:
      source: the directory of the unmodified files.
      environment: the environment of the old TensorFlow.
      edition: the edition of the source.
      data_dir: the parent directory of cifar-10-batches-bin.
      steps: the number of steps to train before the second comparison.
    """
    self.source, self.edition, self.data_dir = source, edition, data_dir
    self.runtime = environment.runtime.version
    self.steps = steps
    self.directory = ''
    self.drawn: list[batches.Batch] = []
    self._environment = environment

  def call(
      self,
      program: str,
      what: str,
      *,
      scratch: str,
      data_dir: Optional[str] = None,
      **arguments,
  ) -> str:
    """Runs a file in tools/editions/old, which writes its results to files.

    See old_scripts.ask(); the default of data_dir is the side's data_dir.
    """
    return old_scripts.ask(
        self._environment,
        program,
        what,
        source=self.source,
        edition=self.edition,
        data_dir=data_dir or self.data_dir,
        scratch=scratch,
        **arguments,
    )

  def ask(self, port: today_side.Today, scratch: str) -> 'Old':
    """Trains on the old TensorFlow, which also restores the port's checkpoints.

    Args:
      port: a side with a checkpoint in each format, whose variables are
        overwritten.
      scratch: an existing directory, in which the results are kept.

    Returns:
      This side.

    Raises:
      UsageError: the process failed; the message contains its last line.
    """
    self.drawn = list(batches.draw(self.data_dir, self.steps + 2 * LOOKS))
    for n in (*range(LOOKS), *range(-LOOKS, 0)):
      images, labels = (
          np.resize(part[:_DISTINCT], part.shape) for part in self.drawn[n]
      )
      self.drawn[n] = images, labels
    images, labels = map(np.stack, zip(*self.drawn))
    path = os.path.join(scratch, 'batches.npz')
    np.savez(path, images=images, labels=labels)
    self.directory = self.call(
        'training',
        '%s cannot be trained',
        scratch=scratch,
        batches=path,
        seed=batches.SEED,
        looks=LOOKS,
        restore={
            'restored-' + form: port.saved(form) for form in sides.FORMATS
        },
        step_key=port.step_key,
    )
    return self

  def _path(self, name):
    return os.path.join(self.directory, name)

  @functools.cached_property
  def keys(self):
    return json_files.read(self._path('graph.json'))['keys']

  @functools.cached_property
  def losses(self) -> list[float]:
    return json_files.read(self._path('losses.json'))

  @functools.cached_property
  def marked(self):
    return arrays(self.directory, 'marked')

  @property
  def tags(self):
    return event_files.read(self.directory).tags

  @property
  def trained_on(self) -> list[batches.Batch]:
    """The training batches, one per loss."""
    return self.drawn[LOOKS:-LOOKS]

  def checkpoint(self, moment: int) -> str:
    """Returns the path of the checkpoint before (0) or after (1) training."""
    return self._path('start-%d' % moment)

  def saved(self, form):
    return self._path('marked-' + form)

  def restored(self, form, path, names):
    del path, names  # ask() has already passed the path.
    return arrays(self.directory, 'restored-' + form)

  def looks(self):
    for moment in (0, 1):
      yield sides.Look(
          moment * self.steps, self.checkpoint(moment), self._tries(moment)
      )

  def _tries(self, moment):
    """Yields the batches before or after training, with each step's values."""
    batches_there = self.drawn[-LOOKS:] if moment else self.drawn[:LOOKS]
    for n, batch in enumerate(batches_there):
      yield batch, arrays(self.directory, 'step-%d-%d' % (moment, n))

  def leave(self, directory, steps):
    os.mkdir(directory)
    path = sides.checkpoint_name(directory, steps)
    last = self.checkpoint(1)
    for name in glob.glob(glob.escape(last) + '.*'):
      shutil.copy(name, path + name[len(last) :])
    tf.train.update_checkpoint_state(directory, path)
    return directory

  def draw(self, data_dir, count):
    with tempfile.TemporaryDirectory() as scratch:
      answer = self.call(
          'distorted',
          'the input of %s cannot be run',
          scratch=scratch,
          data_dir=data_dir,
          count=count,
      )
      drawn = arrays(answer, 'drawn')
    return drawn['images'], drawn['labels'], drawn['brightness']
