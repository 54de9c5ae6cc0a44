"""Records graphs and values of unmodified historical trainers for the tests.

  goldens --source=DIR --data_dir=DIR [--regenerate]

--source accepts the same directories as //tools:historical.  A golden records
every op of the historical training graph, one per line, the graph's variables
and summary tags, and some values that the graph computes.  --regenerate writes
tests/golden/EDITION.json; without it, the program checks the existing file
against the source.

Everything in a golden comes from a graph that the historical code builds in a
separate process, so the port's graph cannot affect the golden.
"""

from cifar10_compat.base import quiet  # noqa: F401  # isort: skip

import sys

import tensorflow.compat.v1 as tf

from cifar10_compat.data import checks
from cifar10_compat.data import datasets

from ..base import command_line
from ..editions import historical_graph
from ..editions import scripts
from . import golden_files
from . import golden_ops
from . import golden_values
from . import today_side

# From each edition in mapping.py to a file name.
FILES = {
    'tensorflow v0.7.0 and v0.7.1': 'v0.7.0.json',
    'tensorflow/models v1.12.0 and v1.13.0': 'v1.13.0.json',
}


def path(edition, directory=golden_files.DIRECTORY):
  """Returns the path of an edition's golden; raises UsageError if missing."""
  return golden_files.path(edition, FILES, directory)


def read(edition, directory=golden_files.DIRECTORY):
  """Reads an edition's golden for the running TensorFlow.

  Args:
    edition: str, a name in scripts.EDITIONS.
    directory: str, the directory of the goldens.

  Returns:
    dict, see make().

  Raises:
    UsageError: the golden is missing, or was made from other source files or by
      another minor version of TensorFlow: minor versions build different ops
      for the same call.
  """

  def wrong(golden):
    versions = golden['tensorflow'], tf.__version__
    minor, running = (version.split('.')[:2] for version in versions)
    if minor == running:
      return ''
    return 'was made with TensorFlow %s, not %s' % versions

  return golden_files.read(
      path(edition, directory),
      edition,
      'create it with //tools:goldens -- --source=DIR --data_dir=DIR '
      '--regenerate, where DIR of --source contains %s' % edition,
      wrong,
  )


def make(meta_graph, edition, data_dir):
  """Creates a golden of a historical training graph.

  TensorFlow 2 behavior must be disabled.

  Args:
    meta_graph: MetaGraphDef, from historical_graph.build_apart().
    edition: scripts.Edition that built the graph.
    data_dir: str, the directory from which the graph reads images.

  Returns:
    dict of plain values:
      edition, sha256: from scripts.EDITIONS.
      tensorflow: the version of TensorFlow.
      trainable: dict from key to shape.
      averages: keys of the averaged weights, in the order of `trainable`.
      loss_averages: keys of the averaged losses.
      step: key and type of the step counter.
      summaries: dict from op type to tags, in the order of the merged summary.
      values: see golden_values.compute().
      ops: list of [name, type, device, inputs, attributes].
  """
  with today_side.Today(meta_graph) as training:
    shadows = list(training.shadows.values())
    step = training.variables[training.step_key]
    return {
        'edition': edition.name,
        'sha256': edition.sha256,
        'tensorflow': tf.__version__,
        'trainable': {
            key: training.variables[key].shape.as_list()
            for key in training.gradients
        },
        'averages': shadows,
        'loss_averages': [
            key
            for key in training.variables
            if key not in training.gradients
            and key not in shadows
            and key != training.step_key
        ],
        'step': [training.step_key, step.dtype.base_dtype.name],
        'summaries': summary_tags(training.session.graph),
        'values': golden_values.compute(training),
        'ops': golden_ops.plain(meta_graph.graph_def, data_dir),
    }


def summary_tags(graph):
  """Returns a dict from op type to tags, for a graph's merged summary."""
  (merged,) = [op for op in graph.get_operations() if op.type == 'MergeSummary']
  tags = {}
  for summary in merged.inputs:
    tag = tf.get_static_value(summary.op.inputs[0]).item().decode()
    tags.setdefault(summary.op.type, []).append(tag)
  return tags


def differences(golden, other):
  """Returns descriptions of the differences between two goldens."""
  different = [
      key for key in golden if key != 'values' and golden[key] != other[key]
  ]
  return different + golden_values.different(golden['values'], other['values'])


@command_line.program('goldens')
def main(argv):
  parser = golden_files.parser('goldens', __doc__.partition('\n')[0])
  parser.add_data_dir()
  args = parser.parse_args(argv)
  source, data_dir, out = (
      command_line.path(p) for p in (args.source, args.data_dir, args.out)
  )
  edition = scripts.find_edition(source)
  name = path(edition.name, out)
  checks.check(datasets.CIFAR10, data_dir, eval_data=False)
  before = None if args.regenerate else read(edition.name, out)
  tf.disable_v2_behavior()
  made = make(historical_graph.build_apart(source, data_dir), edition, data_dir)
  return golden_files.finish(name, before, made, differences)


if __name__ == '__main__':
  sys.exit(main())
