"""Assembles the HTML page about a training run."""

from typing import Dict, List, NamedTuple

import numpy as np

from ..base import rendering
from . import charts
from . import pictures
from . import predictions

# Number of misclassified images to show.
MISTAKES = 24
# The tags of the loss and its terms; for values of single batches, ` (raw)` is
# appended.
_LOSSES = (
    ('total_loss', 'Total loss'),
    ('cross_entropy', 'Cross entropy'),
    ('local3/weight_loss', 'Weight decay of local3'),
    ('local4/weight_loss', 'Weight decay of local4'),
    ('softmax_linear/weight_loss', 'Weight decay of softmax_linear'),
)


class Network(NamedTuple):
  """A trained network's predictions for the test images, and its filters.

  Attributes:
    step: int, the checkpoint's step; None if there is no checkpoint.
    class_names: sequence of str.
    images: uint8 array of shape [n, 32, 32, 3], the test images.
    labels: int array of shape [n].
    logits: float array of shape [n, classes]; images, labels and logits are
      None if the images are missing.
    filters: float array of shape [height, width, 3, filters], or None.
  """

  step: int
  class_names: object
  images: object
  labels: object
  logits: object
  filters: object


def render(title, history, network, facts):
  """Returns the page, a str of HTML.

  Args:
    title: str.
    history: history.History.
    network: Network.
    facts: dict from name to value, for the page's last table.
  """
  sections = [
      _loss(history),
      _precision(history),
      _learning_rate(history),
      _queues(history),
      _speed(history),
      _filters(network),
  ] + _answers(network)
  sections.append(
      section(
          'Manifest',
          tables=[
              table(
                  'Run',
                  ['what', 'value'],
                  [[k, v] for k, v in facts.items()],
              )
          ],
      )
  )
  return rendering.render('run.html', title=title, sections=sections)


def section(title, *texts, plots=(), tables=(), pictures_of=(), matrix=None):
  """Returns a section, a dict for run.html.

  Args:
    title: str.
    *texts: str, paragraphs of one or more sentences.
    plots: list of (caption, SVG).
    tables: list of table()s.
    pictures_of: list of dict with url, width, height, alt and lines, a list of
      str to show below the picture.
    matrix: dict with columns and rows; each row has a name and dicts with value
      and share, 0 to 1; None for no matrix.
  """
  return {
      'title': title,
      'texts': texts,
      'plots': plots,
      'tables': tables,
      'pictures': pictures_of,
      'matrix': matrix,
  }


def table(caption, columns, rows):
  """Returns a table, a dict for parts.html."""
  return {'caption': caption, 'columns': columns, 'rows': rows}


def _summary(title, curves):
  """Returns a table of the first, the minimum and the last value of each curve.

  Args:
    title: str, the section's title.
    curves: dict from name to a list of (step, value).
  """
  return table(
      title + ', values',
      ['curve', 'first', 'minimum', 'maximum', 'last'],
      [
          [name]
          + [
              '%.4g (step %s)' % (value, '{:,}'.format(step))
              for step, value in (
                  points[0],
                  min(points, key=lambda p: p[1]),
                  max(points, key=lambda p: p[1]),
                  points[-1],
              )
          ]
          for name, points in curves.items()
      ],
  )


def _loss(history):
  scalars = history.scalars
  shown = [(tag, name) for tag, name in _LOSSES if tag in scalars]
  if not shown:
    return section('Loss', 'The event files do not contain the loss.')
  return section(
      'Loss',
      'The loss and its terms. The pale line is the value of one batch; the '
      'dark line is the moving average, which starts at 0.',
      plots=[
          (name, charts.curves(scalars.get(tag + ' (raw)', []), scalars[tag]))
          for tag, name in shown
      ],
      tables=[_summary('Loss', {name: scalars[tag] for tag, name in shown})],
  )


def _precision(history):
  found: Dict[str, List] = history.precision
  if not found:
    return section(
        'Precision',
        "There are no evaluations: specify an evaluator's directory of event "
        'files with --eval_dir, or a results file of //tools:reproduce with '
        '--record.',
    )
  caption = 'Precision on the test images: %s' % ', '.join(
      {
          'averaged': 'the dark line with averaged weights',
          'raw': 'the pale line with raw weights',
      }[n]
      for n in sorted(found)
  )
  return section(
      'Precision',
      plots=[
          (
              caption,
              charts.curves(
                  found.get('raw', []), found.get('averaged', []), 'precision'
              ),
          )
      ],
      tables=[_summary('Precision', found)],
  )


def _learning_rate(history):
  points = history.scalars.get('learning_rate')
  if not points:
    return section(
        'Learning rate', 'The event files do not contain the learning rate.'
    )
  return section(
      'Learning rate',
      plots=[('Learning rate', charts.curves([], points))],
      tables=[_summary('Learning rate', {'learning rate': points})],
  )


def _queues(history):
  queues = {
      tag: points
      for tag, points in history.scalars.items()
      if tag.startswith('queue/')
  }
  if not queues:
    return section(
        'Queues',
        'The event files do not contain the fill levels of the queues.',
    )
  return section(
      'Queues',
      'The fill level of each queue, from 0 to 1, when a summary was written; '
      'for the shuffling queue, the level above the minimum that the queue '
      'always keeps. An empty queue means that the input was too slow.',
      plots=[(tag, charts.curves([], p)) for tag, p in queues.items()],
      tables=[_summary('Queues', queues)],
  )


def _speed(history):
  points, marked, others = speeds(history)
  if not points:
    return section(
        'Examples/s',
        'The event files do not contain the speed: specify a file with the '
        "trainer's output with --log.",
    )
  rows = [
      [name, '%.0f' % np.median(found)]
      for name, found in (
          (
              'with a summary, some also with a checkpoint',
              [v for _, v in marked],
          ),
          ('without', others),
      )
      if found
  ]
  return section(
      'Examples/s',
      'The speed between two lines of the log, computed from the time stamps; '
      'with several towers, the speed of one tower. A mark means that a '
      'summary, and sometimes a checkpoint, was written between the two lines.',
      plots=[('Examples/s', charts.speed(points, marked))],
      tables=[table('Median', ['steps', 'examples per second'], rows)],
  )


def speeds(history):
  """Computes the speed of a run between the lines of its log.

  Args:
    history: history.History.

  Returns:
    points, marked: lists of (step, examples per second), for all lines and for
      the lines before which a summary was written; others: list of float, the
      speed at the unmarked lines.
  """
  # The trainer writes the summary of a step after logging the step.
  summaries = {step for step, _ in history.scalars.get('total_loss (raw)', ())}
  points, marked, others = [], [], []
  # The log has millisecond resolution: the longest step determines the batch
  # size most precisely.
  longest = max(history.lines, key=lambda l: l.sec_per_batch, default=None)
  examples = longest and round(longest.examples_per_sec * longest.sec_per_batch)
  for before, line in zip(history.lines, history.lines[1:]):
    secs = (line.time - before.time).total_seconds()
    steps = line.step - before.step
    if secs <= 0 or steps <= 0:  # The run was restarted.
      continue
    point = (line.step, steps * examples / secs)
    points.append(point)
    if any(before.step <= step < line.step for step in summaries):
      marked.append(point)
    else:
      others.append(point[1])
  return points, marked, others


def _filters(network):
  if network.step is None:
    return section('Filters', 'There is no checkpoint.')
  if network.filters is None:
    return section(
        'Filters',
        'The filters of the first layer do not have three color channels.',
    )
  sheet = pictures.filters_sheet(network.filters)
  height, width, _, number = network.filters.shape
  return section(
      'Filters of conv1',
      'The weights of the %d maps of the first layer, for the red, green and '
      'blue of %d x %d pixels, at step %s. The colors of each map are scaled '
      "from the map's minimum to its maximum."
      % (number, height, width, '{:,}'.format(network.step)),
      pictures_of=[
          {
              'url': pictures.url(sheet),
              'width': 8 * sheet.shape[1],
              'height': 8 * sheet.shape[0],
              'alt': '%d filters of the first layer' % number,
              'lines': [],
          }
      ],
  )


def _answers(network):
  """Returns the sections about the network's predictions."""
  if network.step is None:
    return []
  if network.logits is None:
    return [
        section(
            'Answers',
            'The test images are missing, so this page cannot show the '
            "network's answers: specify the directory above the images with "
            '--data_dir.',
        )
    ]
  shares = predictions.probabilities(network.logits)
  return [
      _confusion(network),
      _mistakes(network, shares),
      _reliability(network, shares),
  ]


def _confusion(network):
  counts = predictions.confusion(network.logits, network.labels)
  heads, rows = predictions.confusion_table(
      network.class_names, counts.tolist()
  )
  classes = len(network.class_names)
  total, right = counts.sum(), np.trace(counts)
  return section(
      'Class by class',
      'The checkpoint of step %s classifies %s of %s test images correctly: '
      'precision %.4f. Rows are true classes, and columns are answers.'
      % (
          '{:,}'.format(network.step),
          '{:,}'.format(right),
          '{:,}'.format(total),
          right / total,
      ),
      matrix={
          'columns': heads[1 : classes + 1],
          'rows': [
              {
                  'name': name,
                  'cells': [
                      {'value': int(n), 'share': float(n / max(1, row.sum()))}
                      for n in row
                  ],
              }
              for name, row in zip(network.class_names, counts)
          ],
      },
      tables=[
          table(
              'Recall and precision by class',
              ['class', *heads[classes + 1 :]],
              [[row[0], *row[classes + 1 :]] for row in rows],
          )
      ],
  )


def _mistakes(network, shares):
  names = network.class_names
  found = predictions.surest_mistakes(shares, network.labels, MISTAKES)
  if not found:
    return section('The most confident errors', 'There are no errors.')
  return section(
      'The most confident errors',
      "The wrong answers with the highest probability, each with the image's "
      'true class.',
      pictures_of=[
          {
              'url': pictures.url(network.images[m.image]),
              'width': 96,
              'height': 96,
              'alt': 'Test image %d' % m.image,
              'lines': [
                  '%s, %.3f' % (names[m.answer], m.probability),
                  'true class: %s' % names[m.label],
              ],
          }
          for m in found
      ],
  )


def _reliability(network, shares):
  bins, error = predictions.reliability(shares, network.labels)
  return section(
      'Calibration',
      'The fraction of correct answers among answers of similar probability. '
      'On the pale line, probability and precision are equal; below the line, '
      'the network is overconfident. The mean distance from the line, weighted '
      'by the number of answers (the expected calibration error), is %.4f.'
      % error,
      plots=[('Calibration', charts.reliability(bins))],
      tables=[
          table(
              'Calibration, values',
              ['answers', 'mean probability', 'fraction correct'],
              [
                  [
                      '{:,}'.format(b.count),
                      '%.3f' % b.probability,
                      '%.3f' % b.precision,
                  ]
                  for b in bins
              ],
          )
      ],
  )
