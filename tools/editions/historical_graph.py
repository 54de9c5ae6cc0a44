"""Writes the training graph that the unmodified historical trainer builds.

  historical_graph --source=DIR --data_dir=DIR --out=FILE

--source accepts the same directories as //tools:historical.  The edition's
cifar10_train runs, with bridges, until it opens its session.  The program then
writes the trainer's graph to FILE, as a MetaGraphDef of training_graph.py.
build_apart() starts this program, which keeps the bridges in a separate
process.
"""

from cifar10_compat.base import quiet  # noqa: F401  # isort: skip

import os
import pathlib
import sys
import tempfile

import tensorflow.compat.v1 as tf

from cifar10_compat.base import errors
from cifar10_compat.data import checks
from cifar10_compat.data import datasets

from ..base import command_line
from ..base import processes
from ..base import training_graph
from . import scripts


class _SessionOpened(Exception):
  """Raised when the trainer opens its session, to stop the trainer."""


class _Capture:
  """Records the objects that the trainer creates before its session."""

  def __init__(self):
    self.meta_graph = None
    self._made = {}
    self._saver = None

  def __call__(self, stand_in):
    """Replaces a StandIn's bridges with functions that record results."""
    bridge_cifar10 = stand_in.bridge_cifar10

    def bridge(module):
      bridge_cifar10(module)
      for name in ('distorted_inputs', 'loss', 'train'):
        setattr(module, name, self._noting(name, getattr(module, name)))

    stand_in.bridge_cifar10 = bridge
    stand_in.set('train.Saver', self._noted_saver)
    stand_in.set('Session', self._finish)
    stand_in.set('train.MonitoredTrainingSession', self._finish_monitored)

  def _noting(self, name, function):
    def noting(*args, **kwargs):
      self._made[name] = function(*args, **kwargs)
      return self._made[name]

    return noting

  def _noted_saver(self, *args, **kwargs):
    self._saver = tf.train.Saver(*args, **kwargs)
    return self._saver

  def _finish(self, *unused_args, **unused_kwargs):
    images, labels = self._made['distorted_inputs']
    self.meta_graph = training_graph.export(
        images=images,
        labels=labels,
        loss=self._made['loss'],
        train_op=self._made['train'],
        saver=self._saver,
    )
    raise _SessionOpened()

  def _finish_monitored(self, *unused_args, **unused_kwargs):
    # MonitoredTrainingSession would add the following ops to the graph.
    self._noted_saver(tf.global_variables())
    tf.summary.merge_all()
    tf.global_variables_initializer()
    self._finish()


def build(source, data_dir, edition=None):
  """Builds the training graph of a historical edition.

  Disables TensorFlow 2 behavior for the rest of the process.

  Args:
    source: str, the directory of the unmodified files.
    data_dir: str, the parent directory of cifar-10-batches-bin.
    edition: scripts.Edition of the files; None to detect the edition.

  Returns:
    MetaGraphDef, from training_graph.export().

  Raises:
    UsageError: the source is invalid, or its trainer does not open a session.
    DataError: the data_dir has no images.
  """
  if edition is None:
    edition = scripts.find_edition(source)
  checks.check(datasets.CIFAR10, data_dir, eval_data=False)
  capture = _Capture()
  with tempfile.TemporaryDirectory() as scratch:
    try:
      scripts.run(
          source,
          'cifar10_train',
          flags=[
              '--data_dir=' + data_dir,
              '--train_dir=' + os.path.join(scratch, 'train'),
          ],
          edition=edition,
          adapt=capture,
      )
    except _SessionOpened:
      return capture.meta_graph
    except SystemExit:
      pass
  raise errors.UsageError(
      'cifar10_train of --source=%s ended without opening a session: there is '
      'no training graph to compare' % source
  )


def build_apart(source, data_dir):
  """Runs build() in a separate process, which contains the bridges.

  Args:
    source: str, the directory of the unmodified files.
    data_dir: str, the parent directory of cifar-10-batches-bin.

  Returns:
    MetaGraphDef, from training_graph.export().

  Raises:
    UsageError: that process failed; the message contains its last line.
  """
  with tempfile.TemporaryDirectory() as scratch:
    out = os.path.join(scratch, 'meta_graph')
    processes.run(
        processes.tool('editions.historical_graph'),
        ['--source=' + source, '--data_dir=' + data_dir, '--out=' + out],
        '--source=%s: the training graph cannot be built' % source,
    )
    return tf.MetaGraphDef.FromString(pathlib.Path(out).read_bytes())


@command_line.program('historical_graph')
def main(argv):
  parser = command_line.Parser(
      prog='historical_graph', description=__doc__.partition('\n')[0]
  )
  parser.add_argument(
      '--source',
      required=True,
      metavar='DIR',
      help='directory of the unmodified historical files',
  )
  parser.add_data_dir()
  parser.add_argument(
      '--out',
      required=True,
      metavar='FILE',
      help='file for the MetaGraphDef',
  )
  args = parser.parse_args(argv)
  source, data_dir, out = map(
      command_line.path, (args.source, args.data_dir, args.out)
  )
  meta_graph = build(source, data_dir)
  with command_line.writing(out, '--out'):
    pathlib.Path(out).write_bytes(meta_graph.SerializeToString())
  return 0


if __name__ == '__main__':
  sys.exit(main())
