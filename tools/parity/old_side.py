"""An original on a TensorFlow of the time, which answers from its interpreter.

The edition's trainer builds its graph there (tools/editions/old/training.py), and
what it computes comes back in files.
"""

import functools
import glob
import json
import os
import shutil
import tempfile
from typing import Optional

import numpy as np
import tensorflow.compat.v1 as tf

from ..base import event_files
from ..editions import calls
from ..editions import environments
from ..editions import old_scripts
from ..editions import scripts
from . import batches
from . import sides
from . import today_side

# How many batches are looked at before the training, and after it: see
# steps.compare().  Each has so many images, repeated: on 24 of 40 batches
# of 128 images some rectifier or maximum decided otherwise on TensorFlow 0.12.1.
LOOKS = 4
_DISTINCT = 16


def arrays(directory: str, name: str) -> dict[str, np.ndarray]:
  """Returns the content of NAME.npz."""
  with np.load(os.path.join(directory, name + '.npz')) as f:
    return {key: f[key] for key in f.files}


def content(directory: str, name: str):
  """Returns the content of NAME.json."""
  with open(os.path.join(directory, name + '.json'), encoding='utf-8') as f:
    return json.load(f)


class Old(sides.Side):
  """An unmodified edition on a TensorFlow of the time.

  Attributes:
    drawn: the batches, as training.py takes them.
    losses: of each step of the training.
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
    """Names what is to be asked; ask() does.

    Args:
      source: the directory of the unmodified files.
      environment: of the TensorFlow.
      edition: of the source.
      data_dir: the directory above cifar-10-batches-bin.
      steps: how long to train before the second look.
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
    """Runs a file of tools/editions/old, which answers with files.

    Args:
      program: the name of the file.
      what: what cannot be done if it fails, with %s for the edition.
      scratch: a directory that exists.
      data_dir: where the images are, if not in `data_dir`.
      **arguments: what the file takes besides.

    Returns:
      The directory of the answers, in scratch.

    Raises:
      UsageError: it failed there; its last line is in the message.
    """
    prepared, out = (os.path.join(scratch, n) for n in ('data', 'answer'))
    old_scripts.prepare(data_dir or self.data_dir, prepared)
    os.mkdir(out)
    calls.call(
        self._environment,
        program,
        {
            'source': os.path.abspath(self.source),
            'package': self.edition.package,
            'data_dir': prepared,
            'out': out,
            **arguments,
        },
        scratch=scratch,
        what='--runtime=%s: %s' % (self.runtime, what % self.edition.name),
    )
    return out

  def ask(self, port: today_side.Today, scratch: str) -> 'Old':
    """Trains there, and restores the port's checkpoints.

    Args:
      port: has a checkpoint in each format; it loses its values.
      scratch: a directory that exists; the answers stay there.

    Returns:
      Itself.

    Raises:
      UsageError: it failed there; its last line is in the message.
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
    return content(self.directory, 'graph')['keys']

  @functools.cached_property
  def losses(self) -> list[float]:
    return content(self.directory, 'losses')

  @functools.cached_property
  def marked(self):
    return arrays(self.directory, 'marked')

  @property
  def tags(self):
    return event_files.read(self.directory).tags

  @property
  def trained_on(self) -> list[batches.Batch]:
    """The batches of the training, one for each of `losses`."""
    return self.drawn[LOOKS:-LOOKS]

  def checkpoint(self, moment: int) -> str:
    """Returns the path of that before the training (0) or after it (1)."""
    return self._path('start-%d' % moment)

  def saved(self, form):
    return self._path('marked-' + form)

  def restored(self, form, path, names):
    del path, names  # ask() has handed over the path.
    return arrays(self.directory, 'restored-' + form)

  def looks(self):
    for moment in (0, 1):
      yield sides.Look(
          moment * self.steps, self.checkpoint(moment), self._tries(moment)
      )

  def _tries(self, moment):
    """Yields the batches of a look, and what was noted on each."""
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
