"""Counts an edition's ops on an old TensorFlow, for the ledger."""

import os
import tempfile
from typing import NamedTuple

from ...base import json_files
from ...editions import old_scripts
from . import stated

_OPS = 'ops of the training graph (approximate), on an old TensorFlow'


class Counted(NamedTuple):
  """The training graph that an edition builds on an old TensorFlow."""

  tensorflow: str  # the version of TensorFlow
  edition: str
  ops: dict  # from an op type to the number of ops of this type


def count(environment, source, edition, data_dir):
  """Counts the ops of an edition's training graph.

  Args:
    environment: environments.Environment.
    source: str, the directory of the unmodified files.
    edition: scripts.Edition of the source.
    data_dir: str, the parent directory of cifar-10-batches-bin.

  Returns:
    Counted, for the graph when the edition's trainer opens its session.

  Raises:
    UsageError: the graph cannot be built on that TensorFlow.
  """
  with tempfile.TemporaryDirectory() as scratch:
    out = old_scripts.ask(
        environment,
        'graph_ops',
        'the graph of %s cannot be built',
        source=source,
        edition=edition,
        data_dir=data_dir,
        scratch=scratch,
    )
    ops = json_files.read(os.path.join(out, 'ops.json'))
  return Counted(environment.runtime.version, edition.name, ops)


def claims(counted=None):
  """Returns the Claims about the original's graph.

  Args:
    counted: Counted, or None if there is no old TensorFlow to count with.
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
