"""Compares the distributions of the two sides' distorted images.

Both sides run their own queues.  First the queues read the files of
coded_images.py, so that crop, flip and contrast can be decoded from each
finished image.  Standardization removes the brightness, so each brightness is
read from the op that adds it.  Then the queues read the real files, to compare
the labels and the moments of the finished images.

Every quantity is compared with a two-sample test: chi-squared for integers,
Kolmogorov-Smirnov for floats.
"""

import contextlib
import tempfile
from typing import NamedTuple

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_compat.base import errors

from ..base import training_graph
from . import coded_images
from . import plots
from . import report

# The probability that at least one test reports equal pipelines as different.
LEVEL = 0.001

CHI_SQUARED = 'chi-squared'
KOLMOGOROV_SMIRNOV = 'Kolmogorov–Smirnov'


class Test(NamedTuple):
  """A two-sample test that compares one quantity of the two pipelines."""

  quantity: str
  test: str  # CHI_SQUARED or KOLMOGOROV_SMIRNOV
  original: np.ndarray
  port: np.ndarray
  p: float  # probability that equal pipelines differ at least this much


class Result(NamedTuple):
  """The comparison of two pipelines."""

  tests: tuple  # of Tests
  not_codes: tuple  # Drawn.not_codes of the original and the port


def moments(images, labels):
  """Returns a dict from quantity to an array with a value per image.

  Args:
    images: float32 array of shape [n, 24, 24, 3].
    labels: int32 array of shape [n].
  """
  values = {
      'label': labels,
      'minimum': images.min((1, 2, 3)),
      'maximum': images.max((1, 2, 3)),
  }
  for channel, name in enumerate(('red', 'green', 'blue')):
    values['mean of ' + name] = images[..., channel].mean((1, 2))
    values['standard deviation of ' + name] = images[..., channel].std((1, 2))
  return values


@contextlib.contextmanager
def _session(meta_graph):
  """Yields a multi-threaded session on a MetaGraphDef and the graph's parts."""
  with tf.Graph().as_default(), tf.Session() as sess:
    _, parts = training_graph.import_parts(meta_graph)
    yield sess, parts


def draw(meta_graph, count):
  """Draws finished images through a graph's own queues.

  Args:
    meta_graph: MetaGraphDef of training_graph.export().
    count: int, minimum number of images; only full batches are drawn.

  Returns:
    (images, labels), float32 and int32 arrays.
  """
  drawn, total = [], 0
  with _session(meta_graph) as (sess, (images, labels, _, _)):
    coord = tf.train.Coordinator()
    threads = tf.train.start_queue_runners(sess, coord)
    try:
      while total < count:
        drawn.append(sess.run([images, labels]))
        total += len(drawn[-1][1])
    finally:
      coord.request_stop()
      coord.join(threads, stop_grace_period_secs=10)
  return tuple(np.concatenate(arrays) for arrays in zip(*drawn))


def brightness(meta_graph, count):
  """Draws the brightness offsets that a graph adds to images.

  Args:
    meta_graph: MetaGraphDef of training_graph.export().
    count: int, the number of brightness offsets to draw.

  Returns:
    float32 array of shape [count].

  Raises:
    UsageError: the graph does not change brightness before contrast.
  """
  with _session(meta_graph) as (sess, _):
    added = [
        _added_before(op)
        for op in sess.graph.get_operations()
        if op.type == 'AdjustContrastv2'
    ]
    errors.UsageError.raise_if(
        len(added) != 1 or added[0] is None,
        'the inputs cannot be compared: the training graph must change '
        'brightness once and then contrast once',
    )
    run = sess.make_callable(added[0])
    return np.array([run() for _ in range(count)])


def _added_before(op):
  """Returns the scalar that the preceding op adds to an op's image, or None."""
  op = op.inputs[0].op
  while op.type == 'Identity':
    op = op.inputs[0].op
  scalars = [t for t in op.inputs if t.shape.as_list() == []]
  return scalars[0] if op.type in ('Add', 'AddV2') and scalars else None


def sample(side, count):
  """Draws all compared quantities from one pipeline.

  Args:
    side: sides.Side.
    count: int, minimum number of images from the coded files, and from the real
      files.

  Returns:
    coded_images.Drawn.
  """
  with tempfile.TemporaryDirectory() as coded:
    coded_images.write(coded)
    *images, _ = side.draw(coded, count)
  drawn = coded_images.read(*images)
  *images, drawn.values['brightness'] = side.draw(side.data_dir, count)
  drawn.values.update(moments(*images))
  return drawn


def compare(original, port):
  """Tests whether two pipelines draw from the same distributions.

  Args:
    original, port: coded_images.Drawn.

  Returns:
    Result.
  """
  return Result(
      tuple(
          two_sample(quantity, original.values[quantity], port.values[quantity])
          for quantity in original.values
      ),
      (original.not_codes, port.not_codes),
  )


def two_sample(quantity, original, port):
  """Tests whether one quantity differs between the sides; returns the Test.

  Args:
    quantity: str.
    original, port: arrays of both sides; chi-squared compares the value counts
      of integer arrays.
  """
  # SciPy is optional: only the extra `compare` installs it.
  from scipy import stats

  if np.issubdtype(original.dtype, np.integer):
    counted = counts(original, port)
    # If all values are equal, there is nothing to compare.
    p = (
        1.0
        if len(counted) == 1
        else stats.chi2_contingency(
            [row[1:] for row in counted], correction=False
        ).pvalue
    )
    return Test(quantity, CHI_SQUARED, original, port, float(p))
  return Test(
      quantity,
      KOLMOGOROV_SMIRNOV,
      original,
      port,
      float(stats.ks_2samp(original, port).pvalue),
  )


def counts(original, port):
  """Returns [(value, count in original, count in port), ...] for int arrays."""
  return [
      (int(value), int((original == value).sum()), int((port == value).sum()))
      for value in np.union1d(original, port)
  ]


def differs(test, result):
  """Returns whether a Test is significant at LEVEL / the number of tests."""
  return test.p < LEVEL / len(result.tests)


def unexplained(result):
  """Counts quantities that differ, and pipelines with unexplained images."""
  return sum(differs(test, result) for test in result.tests) + sum(
      n > 0 for n in result.not_codes
  )


_COLUMNS = (
    'quantity',
    'test',
    'original: minimum, mean, maximum',
    'port',
    'p',
    'differs',
)


def section(result, title='Input'):
  """Returns a section of the report.

  Args:
    result: Result.
    title: str, the section's title.
  """
  text = [
      'Both pipelines ran their own queues, first on files whose pixels encode '
      'their position and label. Crop, flip and contrast are decoded from each '
      'finished image and must reproduce every pixel. Of %d original and %d '
      'port images, %d and %d do not match. Standardization removes the '
      'brightness, so each brightness is read from the op that adds it. All '
      'other quantities come from the images in --data_dir.'
      % (*(len(side) for side in result.tests[0][2:4]), *result.not_codes),
      '%d quantities were tested, each with a two-sample test. A difference '
      'counts as unexplained if p < %g / %d = %.2g: for equal pipelines, at '
      'most one comparison in %d would show a difference.'
      % (
          len(result.tests),
          LEVEL,
          len(result.tests),
          LEVEL / len(result.tests),
          round(1 / LEVEL),
      ),
  ]
  rows = [
      (
          t.quantity,
          t.test,
          _summary(t.original),
          _summary(t.port),
          '%.3g' % t.p,
          'yes' if differs(t, result) else 'no',
      )
      for t in result.tests
  ]
  counted = [
      (t.quantity, *row)
      for t in result.tests
      if t.test == CHI_SQUARED
      for row in counts(t.original, t.port)
  ]
  return report.section(
      title,
      unexplained(result),
      text=text,
      tables=[
          report.table('Two-sample tests', _COLUMNS, rows),
          report.table(
              'Image counts',
              ('quantity', 'value', 'original', 'port'),
              counted,
          ),
      ],
      plots=[
          ('%s, p = %.3g' % (t.quantity, t.p), _plot(t)) for t in result.tests
      ],
  )


def _plot(test):
  """Returns a bar chart of counts, or a histogram, as SVG."""
  if test.test != CHI_SQUARED:
    return plots.histogram(test.original, test.port, x_label=test.quantity)
  rows = counts(test.original, test.port)
  return plots.bars(
      {value: original for value, original, _ in rows},
      {value: port for value, _, port in rows},
      test.quantity,
  )


def _summary(values):
  """Returns an array's minimum, mean and maximum as text."""
  return '%.3g … %.3g … %.3g' % (values.min(), values.mean(), values.max())
