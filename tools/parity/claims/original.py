"""What an edition is asked on a TensorFlow of the time, for the ledger."""

import json
import os
import tempfile
from typing import NamedTuple

from ...editions import calls
from ...editions import old_scripts
from . import stated

_OPS = 'ops of the training graph, about, on the TensorFlow of the time'


class Counted(NamedTuple):
  """The training graph that an edition makes on a TensorFlow of the time."""

  tensorflow: str  # its version
  edition: str
  ops: dict  # from a type to how many there are


def count(source, environment, edition, data_dir):
  """Counts the ops of an edition's training graph there.

  Args:
    source: str, the directory of the unmodified files.
    environment: environments.Environment.
    edition: scripts.Edition of the source.
    data_dir: str, the directory above cifar-10-batches-bin.

  Returns:
    Counted, when the edition's trainer opens its session.

  Raises:
    UsageError: the graph cannot be built there.
  """
  with tempfile.TemporaryDirectory() as scratch:
    prepared = os.path.join(scratch, 'data')
    old_scripts.prepare(data_dir, prepared)
    calls.call(
        environment,
        'graph_ops',
        {
            'source': os.path.abspath(source),
            'package': edition.package,
            'data_dir': prepared,
            'out': scratch,
        },
        scratch=scratch,
        what='--runtime=%s: the graph of %s cannot be built'
        % (environment.runtime.version, edition.name),
    )
    with open(os.path.join(scratch, 'ops.json'), encoding='utf-8') as f:
      return Counted(environment.runtime.version, edition.name, json.load(f))


def claims(counted=None):
  """Returns the Claims about the original.

  Args:
    counted: Counted, or None without a TensorFlow of the time.
  """
  if not counted:
    return [stated.not_measured(_OPS, '(no --runtime given)')]
  ops = sum(counted.ops.values())
  return [
      stated.judged(
          _OPS,
          '%s (%s on TensorFlow %s)'
          % (stated.text(ops), counted.edition, counted.tensorflow),
          same=ops == stated.said(_OPS),
      )
  ]
