"""Asks an old interpreter what an edition computes on a TensorFlow of the time.

The edition's trainer builds its graph there (tools/editions/old/training.py),
and what it computes comes back in files.
"""

import json
import os
from typing import NamedTuple

import numpy as np

from ..editions import calls
from ..editions import old_scripts
from . import checkpoint_exchange
from . import old_checkpoints
from . import value_diff

_SEED = 20160216
# How many batches are looked at before the training, and after it: see
# old_step.first_alike().  Each has so many images, repeated: on 24 of 40 batches
# of 128 images some rectifier or maximum decided otherwise on TensorFlow 0.12.1.
LOOKS = 4
_DISTINCT = 16


class Answer(NamedTuple):
  """What came back from the old interpreter."""

  directory: str
  keys: list  # of its variables
  losses: list  # of floats, of each step of the training
  drawn: list  # of the batches, (images, labels), as training.py takes them

  @property
  def steps(self):
    """How long the training was."""
    return len(self.drawn) - 2 * LOOKS

  def looked_at(self, moment):
    """Returns the batches that were looked at, first (0) or at the end (1)."""
    return self.drawn[-LOOKS:] if moment else self.drawn[:LOOKS]

  def trained_on(self):
    """Returns the batches of the training, one for each of `losses`."""
    return self.drawn[LOOKS:-LOOKS]

  def arrays(self, name):
    """Returns the content of NAME.npz, a dict."""
    with np.load(os.path.join(self.directory, name + '.npz')) as f:
      return {key: f[key] for key in f.files}

  def checkpoint(self, name):
    """Returns the path of a checkpoint."""
    return os.path.join(self.directory, name)


def ask(source, environment, edition, data_dir, *, steps, training, scratch):
  """Trains an edition in an old interpreter.

  Args:
    source: str, the directory of the unmodified files.
    environment: environments.Environment.
    edition: scripts.Edition of the source.
    data_dir: str, the directory above cifar-10-batches-bin.
    steps: int, at least 1: how long to train before the second look.
    training: training_graph.Training of ours, which writes the checkpoints that
      are restored there; it loses its values.
    scratch: str, a directory that exists.

  Returns:
    (Answer, dict with the values of the checkpoints).

  Raises:
    UsageError: it failed there; its last line is in the message.
  """
  drawn = list(value_diff.batches(data_dir, steps + 2 * LOOKS, seed=_SEED))
  for n in (*range(LOOKS), *range(-LOOKS, 0)):
    drawn[n] = tuple(_repeated(part) for part in drawn[n])
  batches = os.path.join(scratch, 'batches.npz')
  np.savez(
      batches,
      images=np.stack([images for images, _ in drawn]),
      labels=np.stack([labels for _, labels in drawn]),
  )
  values = checkpoint_exchange.marked_values(training, _SEED)
  training.load(values)
  paths = {
      form: old_checkpoints.save(
          training, form, os.path.join(scratch, 'ours-' + form)
      )
      for form in old_checkpoints.FORMATS
  }
  prepared = os.path.join(scratch, 'data')
  old_scripts.prepare(data_dir, prepared)
  out = os.path.join(scratch, 'answer')
  os.mkdir(out)
  calls.call(
      environment,
      'training',
      {
          'source': os.path.abspath(source),
          'package': edition.package,
          'data_dir': prepared,
          'out': out,
          'batches': batches,
          'seed': _SEED,
          'looks': LOOKS,
          'restore': {'restored-' + form: path for form, path in paths.items()},
          'step_key': training.step_key,
      },
      scratch=scratch,
      what='--runtime=%s: %s cannot be trained'
      % (environment.runtime.version, edition.name),
  )
  with open(os.path.join(out, 'graph.json'), encoding='utf-8') as f:
    keys = json.load(f)['keys']
  with open(os.path.join(out, 'losses.json'), encoding='utf-8') as f:
    losses = json.load(f)
  return Answer(out, keys, losses, drawn), values


def _repeated(part):
  """Returns images or labels of a batch, of which few differ."""
  return np.resize(part[:_DISTINCT], part.shape)
