"""What an unmodified historical trainer builds and computes, for the tests.

  goldens --source=DIR --data_dir=DIR [--regenerate]

DIR of --source is what //tools:historical takes.  A golden holds every op of
the historical training graph, one a line, its variables and summary tags, and
some values that it computes.  --regenerate writes tests/golden/EDITION.json;
without it, the existing file is checked against the source.

Everything in a golden comes from the graph that the historical code builds in a
process of its own: nothing of our graph can get into it.
"""

from cifar10_compat.base import quiet  # noqa: F401  # isort: skip

import json
import os
import sys

import tensorflow.compat.v1 as tf

from cifar10_compat.base import errors
from cifar10_compat.data import checks
from cifar10_compat.data import datasets

from ..base import command_line
from ..base import manifest
from ..base import training_graph
from ..editions import historical_graph
from ..editions import scripts
from . import golden_ops
from . import golden_values

DIRECTORY = os.path.join(manifest.ROOT, 'tests', 'golden')

# From edition to file: the same editions as in exemptions.py.
FILES = {
    'tensorflow v0.7.0 and v0.7.1': 'v0.7.0.json',
    'tensorflow/models v1.12.0 and v1.13.0': 'v1.13.0.json',
}


def path(edition, directory=DIRECTORY):
  """Returns the path of an edition's golden.

  Raises:
    UsageError: the edition is not one that is compared.
  """
  if edition not in FILES:
    raise errors.UsageError(
        'there is no golden for %s, only for %s'
        % (edition, ', '.join(sorted(FILES)))
    )
  return os.path.join(directory, FILES[edition])


def read(edition, directory=DIRECTORY):
  """Reads a golden, if it is one for the TensorFlow that runs.

  Args:
    edition: str, a name in scripts.EDITIONS.
    directory: str, of the goldens.

  Returns:
    dict, see make().

  Raises:
    UsageError: it is missing, was made from other files than the edition's, or
      by another minor version of TensorFlow: these differ in the ops that they
      make of one and the same call.
  """
  name = path(edition, directory)
  remedy = (
      'make it with tools/goldens.py --source=DIR --data_dir=DIR '
      '--regenerate, DIR holding %s' % edition
  )
  if not os.path.exists(name):
    raise errors.UsageError('%s is missing: %s' % (name, remedy))
  with open(name, encoding='utf-8') as f:
    golden = json.load(f)
  sha256 = {e.name: e.sha256 for e in scripts.EDITIONS}[edition]
  if (golden['edition'], golden['sha256']) != (edition, sha256):
    raise errors.UsageError(
        '%s was made from %s (SHA-256 %s): %s'
        % (name, golden['edition'], golden['sha256'], remedy)
    )
  if _minor(golden['tensorflow']) != _minor(tf.__version__):
    raise errors.UsageError(
        '%s was made with TensorFlow %s, and this is %s: %s'
        % (name, golden['tensorflow'], tf.__version__, remedy)
    )
  return golden


def make(meta_graph, edition, data_dir):
  """Makes a golden of a historical training graph.

  TensorFlow 2's behavior must be off.

  Args:
    meta_graph: MetaGraphDef, from historical_graph.build_apart().
    edition: scripts.Edition that it was built by.
    data_dir: str, the directory that it reads images from.

  Returns:
    dict of plain values:
      edition, sha256: of scripts.EDITIONS.
      tensorflow: version.
      trainable: dict from key to shape.
      averages: keys of the averaged weights, in the order of `trainable`.
      loss_averages: keys.
      step: key and type of the step counter.
      summaries: dict from type of op to tags, in the order of the merged
        summary.
      values: see golden_values.compute().
      ops: list of [name, type, device, inputs, attributes].
  """
  with training_graph.Training(meta_graph) as training:
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
  """Returns a dict from type of summary op to tags, of a graph's merged one."""
  (merged,) = [op for op in graph.get_operations() if op.type == 'MergeSummary']
  tags = {}
  for summary in merged.inputs:
    tag = tf.get_static_value(summary.op.inputs[0]).item().decode()
    tags.setdefault(summary.op.type, []).append(tag)
  return tags


def differences(golden, other):
  """Returns the names of the parts in which two goldens differ."""
  different = [
      key for key in golden if key != 'values' and golden[key] != other[key]
  ]
  return different + golden_values.different(golden['values'], other['values'])


def write(golden, directory=DIRECTORY):
  """Writes a golden, one op, variable, list of tags or of values a line.

  Args:
    golden: dict, from make().
    directory: str, must exist.

  Returns:
    str, the path.

  Raises:
    OSError: it cannot be written.
  """

  def lines(value):
    if not isinstance(value, dict) and value is not golden['ops']:
      return json.dumps(value)
    brackets = '{}' if isinstance(value, dict) else '[]'
    entries = (
        [json.dumps(k) + ': ' + json.dumps(v) for k, v in value.items()]
        if isinstance(value, dict)
        else [json.dumps(v, separators=(',', ':')) for v in value]
    )
    return '%s\n%s\n%s' % (brackets[0], ',\n'.join(entries), brackets[1])

  name = path(golden['edition'], directory)
  with open(name, 'w', encoding='utf-8') as f:
    f.write(
        '{\n%s\n}\n'
        % ',\n'.join(
            '%s: %s' % (json.dumps(key), lines(value))
            for key, value in golden.items()
        )
    )
  return name


def _minor(version):
  return version.split('.')[:2]


def _parser():
  parser = command_line.Parser(
      prog='goldens', description=__doc__.partition('\n')[0]
  )
  parser.add_argument(
      '--source',
      required=True,
      metavar='DIR',
      help='the unmodified historical files',
  )
  parser.add_argument(
      '--data_dir',
      required=True,
      metavar='DIR',
      help='the directory above cifar-10-batches-bin',
  )
  parser.add_argument(
      '--regenerate',
      action='store_true',
      help='write the golden instead of checking it',
  )
  parser.add_argument(
      '--out',
      metavar='DIR',
      default=DIRECTORY,
      help='directory of the goldens (default tests/golden)',
  )
  return parser


@command_line.program('goldens')
def main(argv):
  args = _parser().parse_args(argv)
  source, data_dir, out = (
      command_line.path(p) for p in (args.source, args.data_dir, args.out)
  )
  edition = scripts.find_edition(source)
  name = path(edition.name, out)
  checks.check(datasets.CIFAR10, data_dir, eval_data=False)
  before = None if args.regenerate else read(edition.name, out)
  tf.disable_v2_behavior()
  made = make(historical_graph.build_apart(source, data_dir), edition, data_dir)
  if args.regenerate:
    try:
      write(made, out)
    except OSError as e:
      raise errors.UsageError(
          '%s cannot be written (%s)' % (name, e.strerror)
      ) from e
    print('wrote %s' % name)
    return 0
  different = differences(before, made)
  for text in different:
    print(text)
  print('%s: %d differences' % (name, len(different)))
  return 1 if different else 0


if __name__ == '__main__':
  sys.exit(main())
