r"""Compares our training with that of the unmodified historical tutorial.

  compare --source=DIR --data_dir=DIR --out=DIR [--steps=200]
      [--curve_steps=200] [--checkpoint_dir=DIR] [--their_run=DIR]
      [--our_run=DIR]

DIR of --source is what tools/historical.py takes.  Into DIR of --out go
report.json, with the number `unexplained` of differences that nothing explains,
and report.html, the same for the eye.  The exit code is 0 if that number is 0,
else 1.

The historical code builds its graph in a process of its own
(historical_graph.py) and hands over a MetaGraphDef.
"""

from cifar10_compat import quiet  # pylint: disable=unused-import

import importlib.util
import os
import sys
import tempfile

import tensorflow.compat.v1 as tf

from cifar10_compat import checkpoints
from cifar10_compat import datasets
from cifar10_compat import errors
from tools import command_line
from tools import compare_checkpoints
from tools import compare_curves
from tools import compare_eval
from tools import compare_exemptions
from tools import compare_graph
from tools import compare_input
from tools import compare_plots
from tools import compare_report
from tools import compare_values
from tools import historical
from tools import historical_graph
from tools import ledger
from tools import training_graph

_SEED = 20160216
_INPUT_IMAGES = 8192


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
       '%.4f.' % (found.steps, found.losses[0][0], found.losses[0][-1]),
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
            for order in sorted(set(found.orders[0]) | set(found.orders[1]))])],
      [('Loss of each step.', compare_plots.curves(
          *(list(enumerate(losses)) for losses in found.losses)))])


def input_section(source, data_dir, their_meta_graph, our_meta_graph):
  """Compares the images that both pipelines distort.

  Args:
    source: str, the directory of the unmodified files.
    data_dir: str, the directory above cifar-10-batches-bin.
    their_meta_graph, our_meta_graph: MetaGraphDef, on data_dir.

  Returns:
    A section of the report.
  """
  with tempfile.TemporaryDirectory() as coded:
    compare_input.write_codes(coded)
    drawn = [compare_input.sample(*graphs, _INPUT_IMAGES) for graphs in (
        (their_meta_graph, historical_graph.build_apart(source, coded)),
        (our_meta_graph, training_graph.ours(coded)))]
  return compare_input.section(compare_input.compare(*drawn))


def runs_sections(source, data_dir, edition, curve_steps=0, checkpoint_dir=None,
                  their_run=None, our_run=None):
  """Compares the evaluators and the event files of two runs.

  Args:
    source: str, the directory of the unmodified files.
    data_dir: str, the directory above cifar-10-batches-bin.
    edition: historical.Edition of the source.
    curve_steps: int, how long to train each run that is not there.
    checkpoint_dir: str, whose newest checkpoint is scored; by default that of
      their run.
    their_run, our_run: str, directories of runs.

  Returns:
    list of sections of the report: without curve_steps and runs there are no
    curves, and without any checkpoint no evaluation.
  """
  sections = []
  with tempfile.TemporaryDirectory() as scratch:
    trainers = (
        ('tools.historical', ['--source=' + source, 'cifar10_train'],
         their_run, os.path.join(scratch, 'theirs')),
        ('cifar10_compat.cifar10_train', [],
         our_run, os.path.join(scratch, 'ours')))
    if curve_steps or (their_run and our_run):
      # One after the other: each takes the whole machine.
      runs = [compare_curves.read(there) if there else
              compare_curves.train(module, args, data_dir, new, curve_steps)
              for module, args, there, new in trainers]
      sections.append(compare_curves.section(*runs, compare_curves.compare(
          *runs, compare_exemptions.TAGS.get(edition.name, ()))))
      checkpoint_dir = checkpoint_dir or their_run or trainers[0][-1]
    if checkpoint_dir:
      sections.insert(0, compare_eval.section(
          compare_eval.evaluate(source, data_dir, checkpoint_dir),
          os.path.basename(checkpoints.latest(checkpoint_dir))))
  return sections


def compare(source, data_dir, steps, edition, **runs):
  """Makes all comparisons.

  TensorFlow 2's behavior stays off in this process.

  Args:
    source: str, the directory of the unmodified files.
    data_dir: str, the directory above cifar-10-batches-bin.
    steps: int, how many steps to train.
    edition: historical.Edition of the source.
    **runs: what runs_sections() takes besides.

  Returns:
    dict, a report of compare_report.py.

  Raises:
    UsageError: the historical graph cannot be built, or a program failed.
    ValueError: the data_dir lacks a file.
  """
  tf.disable_v2_behavior()
  their_meta_graph = historical_graph.build_apart(source, data_dir)
  our_meta_graph = training_graph.ours(data_dir)
  sections = [graph_section(
      their_meta_graph, our_meta_graph,
      compare_exemptions.EXEMPTIONS.get(edition.name, ()),
      compare_exemptions.RENAMES.get(edition.name, ()))]
  with training_graph.Training(their_meta_graph) as a:
    with training_graph.Training(our_meta_graph) as b:
      sections.append(values_section(a, b, data_dir, steps))
      sections.insert(1, checkpoints_section(a, b))
  sections.append(input_section(source, data_dir, their_meta_graph,
                                our_meta_graph))
  sections += runs_sections(source, data_dir, edition, **runs)
  sections.append(ledger.section(*ledger.make(
      data_dir, runs.get('our_run'), our_meta_graph)))
  return compare_report.report(edition.name, tf.__version__, sections)


def _parser():
  parser = command_line.Parser(prog='compare', allow_abbrev=False,
                               description=__doc__.partition('\n')[0])
  parser.add_argument('--source', required=True, metavar='DIR',
                      help='the unmodified historical files')
  parser.add_argument('--data_dir', required=True, metavar='DIR',
                      help='the directory above cifar-10-batches-bin')
  parser.add_argument('--out', required=True, metavar='DIR',
                      help='where report.json and report.html go; made if need '
                           'be')
  parser.add_argument('--steps', type=int, default=200,
                      help='steps to train on the same batches (default 200)')
  parser.add_argument('--curve_steps', type=int, default=200,
                      help='steps of two runs whose event files are compared, '
                           'a multiple of 10; 0 leaves them out (default 200)')
  parser.add_argument('--checkpoint_dir', metavar='DIR',
                      help='where the checkpoint is that all evaluators score '
                           '(default: the run of theirs)')
  parser.add_argument('--their_run', metavar='DIR',
                      help='train_dir of a run of the historical trainer, in '
                           'place of a new one')
  parser.add_argument('--our_run', metavar='DIR',
                      help='the same of ours')
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
  return command_line.run('compare', lambda: _main(argv))


def _main(argv):
  args = _parser().parse_args(argv)
  for name in ('matplotlib', 'scipy'):
    if importlib.util.find_spec(name) is None:
      raise errors.UsageError('%s is not installed: pip install '
                              'cifar10_compat[compare]' % name)
  if args.steps < 1:
    raise errors.UsageError('--steps=%d: it must be at least 1' % args.steps)
  if args.curve_steps < 0 or args.curve_steps % 10:
    raise errors.UsageError('--curve_steps=%d: it must be a multiple of 10, '
                            'or 0' % args.curve_steps)
  source, data_dir, out, checkpoint_dir, their_run, our_run = map(
      command_line.path, (args.source, args.data_dir, args.out,
                          args.checkpoint_dir, args.their_run, args.our_run))
  # All that can be wrong is noticed before the minutes of work.
  edition = historical.find_edition(source)
  for eval_data in (False, True):
    datasets.check(datasets.CIFAR10, data_dir, eval_data)
  for flag, run in (('their_run', their_run), ('our_run', our_run)):
    if run:
      try:
        compare_curves.read(run)
      except errors.UsageError as e:
        raise errors.UsageError('--%s: %s' % (flag, e)) from e
  if checkpoint_dir and not checkpoints.latest(checkpoint_dir):
    raise errors.UsageError('--checkpoint_dir=%s has no checkpoint' %
                            checkpoint_dir)
  _make(out)
  content = compare(source, data_dir, args.steps, edition,
                    curve_steps=args.curve_steps, checkpoint_dir=checkpoint_dir,
                    their_run=their_run, our_run=our_run)
  try:
    compare_report.write(content, out)
  except OSError as e:
    raise errors.UsageError('--out=%s cannot be written (%s)' %
                            (out, e.strerror)) from e
  print('%s; see %s' % (compare_report.verdict(content),
                        os.path.join(out, 'report.html')))
  return 1 if content['unexplained'] else 0


if __name__ == '__main__':
  sys.exit(main(sys.argv[1:]))
