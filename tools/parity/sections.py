"""The sections of the report that compare sources, graphs and what these compute."""

import tempfile

from ..base import training_graph
from ..editions import historical_graph
from . import checkpoint_exchange
from . import coded_images
from . import distortions
from . import graph_diff
from . import mapping
from . import outline
from . import plots
from . import report
from . import trainers
from . import value_diff

_SEED = 20160216
_INPUT_IMAGES = 8192


def graph_section(their_meta_graph, our_meta_graph, *, exemptions, renames):
  """Compares two graphs op by op.

  Args:
    their_meta_graph, our_meta_graph: MetaGraphDef.
    exemptions: sequence of graph_diff.Exemptions.
    renames: sequence of graph_diff.Renames.

  Returns:
    A section of the report.
  """
  found = graph_diff.compare(
      their_meta_graph.graph_def,
      our_meta_graph.graph_def,
      exemptions=exemptions,
      renames=renames,
  )
  columns = ('op', 'attribute', 'theirs', 'ours')
  numbers = {e[:2] for e in exemptions if e.changes_numbers}
  return report.section(
      'Graph',
      len(found.unexplained) + len(found.stale),
      text=[
          '%d ops are theirs and %d ours. Matched by name, each was compared in '
          'type, device, inputs, control inputs, attributes and output shapes. '
          '%d of them have another name here, each of which is listed.'
          % (found.theirs, found.ours, len(renames)),
          '%d listed exemptions, each for one op and one attribute, explain %d '
          'differences; %d differences have none, and %d exemptions and names '
          'match nothing.'
          % (
              len(exemptions),
              len(found.explained),
              len(found.unexplained),
              len(found.stale),
          ),
          'Of these exemptions %d change a number that is computed, drawn or '
          'saved: %s. The other %d change a name, a type, a device, or the way '
          'to the same number.'
          % (
              len(numbers),
              '; '.join(
                  dict.fromkeys(
                      e.reason for e in exemptions if e.changes_numbers
                  )
              )
              or 'none',
              len(exemptions) - len(numbers),
          ),
      ],
      tables=[
          report.table('Unexplained', columns, found.unexplained),
          report.table(
              'Exemptions and names that match nothing',
              ('op', 'attribute or name', 'reason'),
              [entry[:3] for entry in found.stale],
          ),
          report.table(
              'Exempt',
              columns + ('reason', 'changes a number'),
              [
                  difference
                  + (reason, 'yes' if difference[:2] in numbers else 'no')
                  for difference, reason in found.explained
              ],
          ),
          report.table(
              'The same op under another name',
              ('theirs', 'ours', 'reason'),
              renames,
          ),
      ],
  )


def outline_section(source):
  """Compares the order of calls in the original's files and the port's.

  Args:
    source: str, the directory of the original.

  Returns:
    A section of the report.
  """
  original, port = outline.read(source), outline.read(outline.PORT)
  files, tables = [], []
  for name in outline.FILES:
    found = outline.compare(original[name], port[name])
    kept = sum(c.kept for c in found.values())
    total = sum(c.total for c in found.values())
    added = sum(len(c.added) for c in found.values())
    files.append((name, len(found), total, kept, added))
    tables.append(
        report.table(
            name,
            (
                'function',
                'calls',
                'kept',
                'added',
                'missing calls',
                'added calls',
            ),
            [
                (
                    function if c.in_port else function + ' (not in the port)',
                    c.total,
                    c.kept,
                    len(c.added),
                    ', '.join(c.missing),
                    ', '.join(c.added),
                )
                for function, c in found.items()
            ],
        )
    )
  return report.section(
      'Outline',
      0,
      text=[
          'The outline of a function is the list of calls that it makes, in '
          'the order of the source. The port keeps %d of the %d calls that '
          "the original's functions make, in their order, and adds %d."
          % tuple(sum(file[column] for file in files) for column in (3, 2, 4)),
          'Names that TensorFlow has changed since 2016 count as equal. A '
          'missing call is not necessarily a missing step: the port may make '
          'it in another function. This report shows outlines and does not '
          'judge them.',
      ],
      tables=[
          report.table(
              'Files',
              ('file', 'functions', 'calls', 'kept', 'added'),
              files,
          )
      ]
      + tables,
  )


def trainers_section(data_dir, our_meta_graph):
  """Compares our other trainers with cifar10_train.

  Args:
    data_dir: str, the directory above cifar-10-batches-bin.
    our_meta_graph: MetaGraphDef of cifar10_train.

  Returns:
    A section of the report.
  """
  text, tables, unexplained = [], [], 0
  columns = ('op', 'attribute', 'cifar10_train', 'this trainer')
  for name in trainers.TRAINERS:
    listed = mapping.load(name)
    found = trainers.compare(
        listed, our_meta_graph.graph_def, trainers.build(name, data_dir)
    )
    unexplained += len(found.unexplained) + len(found.stale)
    text.append(
        '%s: %d ops against %d of cifar10_train. %d have another name; %d '
        'listed exemptions explain %d differences; %d differences have none, '
        'and %d exemptions and names match nothing.'
        % (
            name,
            found.ours,
            found.theirs,
            len(listed.renames),
            len(listed.exemptions),
            len(found.explained),
            len(found.unexplained),
            len(found.stale),
        )
    )
    tables += [
        report.table(name + ': unexplained', columns, found.unexplained),
        report.table(
            name + ': exemptions and names that match nothing',
            ('op', 'attribute or name', 'reason'),
            [entry[:3] for entry in found.stale],
        ),
    ]
  return report.section(
      'Our other trainers', unexplained, text=text, tables=tables
  )


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
      ('Ours, restored by theirs', our_training, their_training),
  ):
    with tempfile.TemporaryDirectory() as scratch:
      found = checkpoint_exchange.exchange(source, target, directory=scratch)
    unexplained += found.unexplained
    text.append(
        '%s: %d of %d keys arrive in every bit. %s'
        % (
            title,
            sum(k.equal for k in found.keys),
            len(found.keys),
            'The step counter is mapped: %s.' % found.step_mapped
            if found.step_mapped
            else 'The step counter needs no mapping.',
        )
    )
    tables.append(
        report.table(
            title,
            ('key', 'restored as', 'equal'),
            [
                (
                    k.key,
                    k.restored_as or '(nothing)',
                    'yes' if k.equal else 'no',
                )
                for k in found.keys
            ],
        )
    )
    tables.append(
        report.table(
            title + ': keys that the checkpoint lacks',
            ('key',),
            [(key,) for key in found.lacking],
        )
    )
  return report.section('Checkpoints', unexplained, text=text, tables=tables)


def values_section(their_training, our_training, *, data_dir, steps):
  """Trains both graphs on the same batches.

  Args:
    their_training, our_training: training_graph.Training.
    data_dir: str, the directory above cifar-10-batches-bin.
    steps: int, at least 1.

  Returns:
    A section of the report.
  """
  found = value_diff.compare(
      their_training,
      our_training,
      weights=training_graph.initial_values(_SEED),
      drawn=value_diff.batches(data_dir, steps, seed=_SEED),
  )
  columns = ('value', 'first at step', 'elements', 'largest difference')

  def rows(mismatches):
    return [(m.value, m.step, m.elements, '%g' % m.largest) for m in mismatches]

  orders = sorted(set(found.orders[0]) | set(found.orders[1]))
  return report.section(
      'Values',
      value_diff.unexplained(found),
      text=_values_text(found, their_training, our_training),
      tables=[
          report.table('Values that differ', columns, rows(found.mismatches)),
          report.table(
              'Averaged weights that no order explains',
              columns,
              rows(found.off_formula),
          ),
          report.table(
              'Orders in which weights were averaged',
              ('order', 'theirs', 'ours'),
              [
                  (order,) + tuple(seen.get(order, 0) for seen in found.orders)
                  for order in orders
              ],
          ),
      ],
      plots=[
          (
              'Loss of each step.',
              plots.curves(
                  *(list(enumerate(losses)) for losses in found.losses)
              ),
          )
      ],
  )


def _values_text(found, their_training, our_training):
  """Returns the paragraphs of values_section()."""
  return [
      '%d steps from the same weights on the same batches of standardized '
      'random crops, on one thread; the loss went from %.4f to %.4f.'
      % (found.steps, found.losses[0][0], found.losses[0][-1]),
      '%d values (loss, gradients, weights, averages of the losses and step '
      'counter of each step) were compared bit by bit; %d of them differ '
      'anywhere.' % (found.compared, len(found.mismatches)),
      'Each averaged weight was compared with its formula, bit by bit. '
      'Theirs: %s. Ours: %s.'
      % tuple(
          'the graph averages after the update'
          if t.averaged_after_update
          else 'the graph leaves the order open'
          for t in (their_training, our_training)
      ),
  ]


def input_section(source, data_dir, *, their_meta_graph, our_meta_graph):
  """Compares the images that both pipelines distort.

  Args:
    source: str, the directory of the unmodified files.
    data_dir: str, the directory above cifar-10-batches-bin.
    their_meta_graph, our_meta_graph: MetaGraphDef, on data_dir.

  Returns:
    A section of the report.
  """
  with tempfile.TemporaryDirectory() as coded:
    coded_images.write(coded)
    drawn = [
        distortions.sample(*graphs, _INPUT_IMAGES)
        for graphs in (
            (their_meta_graph, historical_graph.build_apart(source, coded)),
            (our_meta_graph, training_graph.ours(coded)),
        )
    ]
  return distortions.section(distortions.compare(*drawn))
