r"""Compares our training graph with that of an unmodified historical trainer.

  compare --source=DIR --data_dir=DIR --out=DIR [--steps=200] [--our_run=DIR]

DIR of --source is what tools/historical.py takes.  Into DIR of --out go
report.json, with the number `unexplained` of differences that nothing explains,
and report.html, the same for the eye.  The exit code is 0 if that number is 0,
else 1.

The historical code builds its graph in a process of its own
(historical_graph.py) and hands over a MetaGraphDef.
"""

from cifar10_compat import quiet  # pylint: disable=unused-import

import argparse
import os
import subprocess
import sys
import tempfile

import tensorflow.compat.v1 as tf

from cifar10_compat import checkpoints
from cifar10_compat import datasets
from cifar10_compat import errors
from tools import compare_checkpoints
from tools import compare_exemptions
from tools import compare_graph
from tools import compare_report
from tools import compare_values
from tools import historical
from tools import ledger
from tools import training_graph

_SEED = 20160216


def theirs(source, data_dir):
  """Has the historical trainer's graph built in a process of its own.

  Args:
    source: str, the directory of the unmodified files.
    data_dir: str, the directory above cifar-10-batches-bin.

  Returns:
    MetaGraphDef, from training_graph.export().

  Raises:
    UsageError: that process failed; its last line is in the message.
  """
  with tempfile.TemporaryDirectory() as scratch:
    out = os.path.join(scratch, 'meta_graph')
    # What starts us may find `tools` by the current directory alone.
    path = os.pathsep.join(p or os.getcwd() for p in sys.path)
    result = subprocess.run(
        [sys.executable, '-m', 'tools.historical_graph', '--source=' + source,
         '--data_dir=' + data_dir, '--out=' + out],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=dict(os.environ, PYTHONPATH=path))
    if result.returncode:
      lines = result.stderr.strip().splitlines() or ['no message']
      raise errors.UsageError(
          '--source=%s: its training graph cannot be built: %s' %
          (source, lines[-1]))
    with open(out, 'rb') as f:
      return tf.MetaGraphDef.FromString(f.read())


def graph_section(their_meta_graph, our_meta_graph, exemptions, renames):
  """Compares two graphs op by op.

  Args:
    their_meta_graph, our_meta_graph: MetaGraphDef.
    exemptions: sequence of compare_graph.Exemptions.
    renames: sequence of compare_graph.Renames.

  Returns:
    A section of the report.
  """
  found = compare_graph.compare(their_meta_graph.graph_def,
                                our_meta_graph.graph_def, exemptions,
                                renames)
  columns = ('op', 'attribute', 'theirs', 'ours')
  return compare_report.section(
      'Graph', len(found.unexplained) + len(found.stale),
      ['%d ops are theirs and %d ours. Matched by name, each was compared in '
       'type, device, inputs, control inputs, attributes and output shapes. '
       '%d of them have another name here, each of which is listed.' %
       (found.theirs, found.ours, len(renames)),
       '%d listed exemptions, each for one op and one attribute, explain %d '
       'differences; %d differences have none, and %d exemptions and names '
       'match nothing.' % (len(exemptions), len(found.explained),
                        len(found.unexplained), len(found.stale))],
      [compare_report.table('Unexplained', columns, found.unexplained),
       compare_report.table('Exemptions and names that match nothing',
                            ('op', 'attribute or name', 'reason'),
                            found.stale),
       compare_report.table(
           'Exempt', columns + ('reason',),
           [difference + (reason,) for difference, reason in found.explained]),
       compare_report.table('The same op under another name',
                            ('theirs', 'ours', 'reason'), renames)])


def checkpoints_section(their_training, our_training):
  """Restores each graph's checkpoint into the other.

  Args:
    their_training, our_training: training_graph.Training; they lose their
      values.

  Returns:
    A section of the report.
  """
  text, tables, unexplained = [], [], 0
  for title, source, target in (
      ('Theirs, restored by ours', their_training, our_training),
      ('Ours, restored by theirs', our_training, their_training)):
    with tempfile.TemporaryDirectory() as scratch:
      found = compare_checkpoints.exchange(source, target, scratch)
    unexplained += found.unexplained
    text.append(
        '%s: %d of %d keys arrive in every bit. %s' %
        (title, sum(k.equal for k in found.keys), len(found.keys),
         'The step counter is mapped: %s.' % found.step_mapped
         if found.step_mapped else 'The step counter needs no mapping.'))
    tables.append(compare_report.table(
        title, ('key', 'restored as', 'equal'),
        [(k.key, k.restored_as or '(nothing)', 'yes' if k.equal else 'no')
         for k in found.keys]))
    tables.append(compare_report.table(
        title + ': keys that the checkpoint lacks', ('key',),
        [(key,) for key in found.lacking]))
  return compare_report.section('Checkpoints', unexplained, text, tables)


def values_section(their_training, our_training, data_dir, steps):
  """Trains both graphs on the same batches.

  Args:
    their_training, our_training: training_graph.Training.
    data_dir: str, the directory above cifar-10-batches-bin.
    steps: int, at least 1.

  Returns:
    A section of the report.
  """
  found = compare_values.compare(
      their_training, our_training, training_graph.initial_values(_SEED),
      compare_values.batches(data_dir, steps, _SEED))
  columns = ('value', 'first at step', 'elements', 'largest difference')
  def rows(mismatches):
    return [(m.value, m.step, m.elements, '%g' % m.largest)
            for m in mismatches]
  return compare_report.section(
      'Values', compare_values.unexplained(found),
      ['%d steps from the same weights on the same batches of '
       'standardized random crops, on one thread; the loss went from %.4f to '
       '%.4f.' % (found.steps, *found.losses),
       '%d values (loss, gradients, weights, averages of the losses and step '
       'counter of each step) were compared bit by bit; %d of them differ '
       'anywhere.' % (found.compared, len(found.mismatches)),
       'Each averaged weight was held against its formula, in every bit. '
       'Theirs: %s. Ours: %s.' % tuple(
           'the graph averages after the update'
           if t.averaged_after_update else 'the graph leaves the order open'
           for t in (their_training, our_training))],
      [compare_report.table('Values that differ', columns,
                            rows(found.mismatches)),
       compare_report.table('Averaged weights that no order explains', columns,
                            rows(found.off_formula)),
       compare_report.table(
           'Orders in which weights were averaged',
           ('order', 'theirs', 'ours'),
           [(order,) + tuple(seen.get(order, 0) for seen in found.orders)
            for order in sorted(set(found.orders[0]) | set(found.orders[1]))])])


def compare(source, data_dir, steps, edition, our_run=None):
  """Makes all comparisons.

  TensorFlow 2's behavior stays off in this process.

  Args:
    source: str, the directory of the unmodified files.
    data_dir: str, the directory above cifar-10-batches-bin.
    steps: int, how many steps to train.
    edition: historical.Edition of the source.
    our_run: str, the train_dir of a run of ours, for the ledger's precisions.

  Returns:
    dict, a report of compare_report.py.

  Raises:
    UsageError: the historical graph cannot be built.
    ValueError: the data_dir lacks a file.
  """
  tf.disable_v2_behavior()
  their_meta_graph = theirs(source, data_dir)
  our_meta_graph = training_graph.ours(data_dir)
  sections = [graph_section(
      their_meta_graph, our_meta_graph,
      compare_exemptions.EXEMPTIONS.get(edition.name, ()),
      compare_exemptions.RENAMES.get(edition.name, ()))]
  with training_graph.Training(their_meta_graph) as a:
    with training_graph.Training(our_meta_graph) as b:
      sections.append(values_section(a, b, data_dir, steps))
      sections.insert(1, checkpoints_section(a, b))
  sections.append(ledger.section(*ledger.make(
      data_dir, our_run, our_meta_graph)))
  return compare_report.report(edition.name, tf.__version__, sections)


class _Parser(argparse.ArgumentParser):
  """Raises what argparse would print with its usage and exit code 2."""

  def error(self, message):
    raise errors.UsageError(message + ' (--help explains)')


def _parser():
  parser = _Parser(prog='compare', allow_abbrev=False,
                   description=__doc__.partition('\n')[0])
  parser.add_argument('--source', required=True, metavar='DIR',
                      help='the unmodified historical files')
  parser.add_argument('--data_dir', required=True, metavar='DIR',
                      help='the directory above cifar-10-batches-bin')
  parser.add_argument('--out', required=True, metavar='DIR',
                      help='where report.json and report.html go; made if need '
                           'be')
  parser.add_argument('--steps', type=int, default=200,
                      help='steps to train (default 200)')
  parser.add_argument('--our_run', metavar='DIR',
                      help='train_dir of a run of ours, whose precision the '
                           'ledger holds against the one that is claimed')
  return parser


def _make(directory):
  """Makes a directory that can be written; raises UsageError."""
  try:
    os.makedirs(directory, exist_ok=True)
    with tempfile.TemporaryFile(dir=directory):
      pass
  except OSError as e:
    raise errors.UsageError(
        '--out=%s cannot be written (%s): name another directory' %
        (directory, e.strerror)) from e


def main(argv):
  """Returns the exit code for a command line without the program's name."""
  try:
    args = _parser().parse_args(argv)
    if args.steps < 1:
      raise errors.UsageError('--steps=%d: it must be at least 1' % args.steps)
    here = os.environ.get('BUILD_WORKING_DIRECTORY', os.getcwd())
    source, data_dir, out, our_run = (
        path and os.path.join(here, os.path.expanduser(path))
        for path in (args.source, args.data_dir, args.out, args.our_run))
    # All that can be wrong is noticed before the minutes of work.
    edition = historical.find_edition(source)
    datasets.check(datasets.CIFAR10, data_dir, eval_data=False)
    if our_run and not checkpoints.latest(our_run):
      raise errors.UsageError('--our_run=%s has no checkpoint' % our_run)
    _make(out)
    content = compare(source, data_dir, args.steps, edition, our_run)
    try:
      compare_report.write(content, out)
    except OSError as e:
      raise errors.UsageError('--out=%s cannot be written (%s)' %
                              (out, e.strerror)) from e
  except errors.Cifar10Error as e:
    print('compare: error: %s' % e, file=sys.stderr)
    return 1
  print('%s; see %s' % (compare_report.verdict(content),
                        os.path.join(out, 'report.html')))
  return 1 if content['unexplained'] else 0


if __name__ == '__main__':
  sys.exit(main(sys.argv[1:]))
