"""Compares the distorted images of two training graphs as distributions.

Both graphs run with their own queues.  First on files that write_codes() made:
such an image's red plane tells its column, its green plane its row and its blue
plane its label, so that crop, flip and contrast are read off the finished image
without any guess, and what was read off must reproduce every pixel.  The
brightness leaves no trace in a standardized image, and is taken from the op
that adds it.  Then on the real files, for the moments of the finished images
and the labels.

Every quantity gets a two-sample test: chi-squared for those that count, that of
Kolmogorov and Smirnov for all others.
"""

import contextlib
import os
from typing import NamedTuple

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10
from cifar10_compat import datasets
from cifar10_compat import errors
from tools import compare_plots
from tools import compare_report
from tools import training_graph

# The chance that two equal pipelines are called different, all tests together.
LEVEL = 0.001

CHI_SQUARED = 'chi-squared'
KOLMOGOROV_SMIRNOV = 'Kolmogorov–Smirnov'

_CROP = cifar10.IMAGE_SIZE
_OFFSETS = datasets.HEIGHT - _CROP + 1
_LABELS = datasets.CIFAR10.num_classes
# What float32 can do to a pixel of a standardized image, with a margin.
_TOLERANCE = 1e-3

# Red tells the column and green the row: no two crops of 24 of these values
# resemble each other.  Red is dark and green is bright, since the distance of
# their means tells the scale.
_COLUMNS = 3 * np.random.RandomState(1).permutation(datasets.WIDTH)
_ROWS = 255 - 3 * np.random.RandomState(2).permutation(datasets.HEIGHT)
_BLUE_STEP = 25
_RECORDS = 100  # of each label, in each file


class Drawn(NamedTuple):
  """What one pipeline drew."""
  values: dict  # from quantity, str, to an array with a value for each image
  not_codes: int  # images of the coded files that no distortion explains


class Test(NamedTuple):
  """One quantity of both pipelines."""
  quantity: str
  test: str  # CHI_SQUARED or KOLMOGOROV_SMIRNOV
  theirs: np.ndarray
  ours: np.ndarray
  p: float  # the chance to see such a difference, or more, between equals


class Result(NamedTuple):
  """What compare() found."""
  tests: tuple  # of Tests
  not_codes: tuple  # of theirs and ours


def coded_images():
  """Returns the coded image of each label, uint8 of shape [10, 32, 32, 3]."""
  images = np.empty((_LABELS, datasets.HEIGHT, datasets.WIDTH, datasets.DEPTH),
                    np.uint8)
  images[..., 0] = _COLUMNS
  images[..., 1] = _ROWS[:, np.newaxis]
  images[..., 2] = _BLUE_STEP * np.arange(_LABELS)[:, np.newaxis, np.newaxis]
  return images


def write_codes(data_dir):
  """Writes batches of coded images.

  Args:
    data_dir: str, exists; gets the directory cifar-10-batches-bin.
  """
  planes = coded_images().transpose(0, 3, 1, 2).reshape(_LABELS, -1)
  labels = np.arange(_LABELS, dtype=np.uint8)[:, np.newaxis]
  records = np.concatenate([labels, planes], 1).tobytes() * _RECORDS
  os.makedirs(os.path.join(data_dir, datasets.CIFAR10.directory))
  for eval_data in (False, True):
    for path in datasets.filenames(datasets.CIFAR10, data_dir, eval_data):
      with open(path, 'wb') as f:
        f.write(records)


def read_codes(images, labels):
  """Reads off how coded images were distorted.

  Args:
    images: float32 array of shape [n, 24, 24, 3], standardized.
    labels: int32 array of shape [n].

  Returns:
    Drawn, with the quantities 'crop, y', 'crop, x', 'flipped' and 'contrast'.
  """
  rows, columns = (
      np.array([code[i:i + _CROP] for i in range(_OFFSETS)], np.float64)
      for code in (_ROWS, _COLUMNS))
  y, _ = _match(images[..., 1].mean(2), rows)
  columns = np.concatenate([columns, columns[:, ::-1]])
  x, slope = _match(images[..., 0].mean(1), columns)
  # Contrast moves no channel's mean, so their distance tells the scale alone.
  means = images[..., :2].mean((1, 2), np.float64)
  scale = ((means[:, 1] - means[:, 0]) /
           (rows.mean(1)[y] - columns.mean(1)[x]))
  contrast = slope / scale
  flipped, x = divmod(x, _OFFSETS)
  expected = distort(coded_images()[labels], y, x, flipped, contrast)
  wrong = np.abs(images - expected).max((1, 2, 3)) > _TOLERANCE
  return Drawn({'crop, y': y, 'crop, x': x, 'flipped': flipped,
                'contrast': contrast}, int(wrong.sum()))


def distort(images, y, x, flipped, contrast):
  """Distorts images as the tutorial does, but for what leaves no trace.

  Args:
    images: uint8 array of shape [n, 32, 32, 3].
    y, x, flipped: int arrays of shape [n].
    contrast: float array of shape [n].

  Returns:
    float64 array of shape [n, 24, 24, 3], standardized.
  """
  span = np.arange(_CROP)
  down = y[:, np.newaxis] + span
  across = x[:, np.newaxis] + np.where(flipped[:, np.newaxis], span[::-1], span)
  crops = images[np.arange(len(images))[:, np.newaxis, np.newaxis],
                 down[:, :, np.newaxis],
                 across[:, np.newaxis]].astype(np.float64)
  means = crops.mean((1, 2), keepdims=True)
  crops = (crops - means) * contrast.reshape(-1, 1, 1, 1) + means
  crops -= crops.mean((1, 2, 3), keepdims=True)
  return crops / crops.std((1, 2, 3), keepdims=True)


def _match(profiles, templates):
  """Finds of which template each profile is a straight line's image.

  Args:
    profiles: array of shape [n, 24].
    templates: float64 array of shape [m, 24].

  Returns:
    (int array, float64 array), both of shape [n]: the template that correlates
    best, and the factor that leads from it to the profile.
  """
  profiles, templates = (a - a.mean(1, keepdims=True, dtype=np.float64)
                         for a in (profiles, templates))
  products = profiles @ templates.T
  lengths = np.square(templates).sum(1)
  best = np.argmax(products / np.sqrt(lengths), 1)
  return best, products[np.arange(len(best)), best] / lengths[best]


def moments(images, labels):
  """Returns a dict from quantity to an array with a value for each image.

  Args:
    images: float32 array of shape [n, 24, 24, 3].
    labels: int32 array of shape [n].
  """
  values = {'label': labels, 'least value': images.min((1, 2, 3)),
            'largest value': images.max((1, 2, 3))}
  for channel, name in enumerate(('red', 'green', 'blue')):
    values['mean of ' + name] = images[..., channel].mean((1, 2))
    values['deviation of ' + name] = images[..., channel].std((1, 2))
  return values


@contextlib.contextmanager
def _session(meta_graph):
  """Yields a session on a MetaGraphDef, of all threads, and its parts."""
  with tf.Graph().as_default(), tf.Session() as sess:
    _, parts = training_graph.import_parts(meta_graph)
    yield sess, parts


def draw(meta_graph, count):
  """Draws finished images through the graph's own queues.

  Args:
    meta_graph: MetaGraphDef of training_graph.export().
    count: int, how many at the least; whole batches are drawn.

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
  """Draws what a graph adds to its images.

  Args:
    meta_graph: MetaGraphDef of training_graph.export().
    count: int, how many.

  Returns:
    float32 array of shape [count].

  Raises:
    UsageError: the graph does not change brightness before contrast.
  """
  with _session(meta_graph) as (sess, _):
    added = [_added_before(op) for op in sess.graph.get_operations()
             if op.type == 'AdjustContrastv2']
    if len(added) != 1 or added[0] is None:
      raise errors.UsageError(
          'a training graph that does not change, in this order and once, '
          'brightness and contrast: its input cannot be compared')
    run = sess.make_callable(added[0])
    return np.array([run() for _ in range(count)])


def _added_before(op):
  """Returns the scalar that was added to an op's image, or None."""
  op = op.inputs[0].op
  while op.type == 'Identity':
    op = op.inputs[0].op
  scalars = [t for t in op.inputs if t.shape.as_list() == []]
  return scalars[0] if op.type in ('Add', 'AddV2') and scalars else None


def sample(meta_graph, coded_meta_graph, count):
  """Draws from one pipeline all that is compared.

  Args:
    meta_graph: MetaGraphDef of training_graph.export(), on the real files.
    coded_meta_graph: the same pipeline on those of write_codes().
    count: int, how many images of each, at the least.

  Returns:
    Drawn.
  """
  drawn = read_codes(*draw(coded_meta_graph, count))
  drawn.values['brightness'] = brightness(meta_graph, count)
  drawn.values.update(moments(*draw(meta_graph, count)))
  return drawn


def compare(theirs, ours):
  """Tests whether two pipelines draw from the same distributions.

  Args:
    theirs, ours: Drawn.

  Returns:
    Result.
  """
  return Result(
      tuple(two_sample(quantity, theirs.values[quantity], ours.values[quantity])
            for quantity in theirs.values),
      (theirs.not_codes, ours.not_codes))


def two_sample(quantity, theirs, ours):
  """Returns the Test of one quantity.

  Args:
    quantity: str.
    theirs, ours: arrays; those of integers are counted.
  """
  # Of the extra `compare`, which not everyone has who imports this module.
  from scipy import stats

  if np.issubdtype(theirs.dtype, np.integer):
    counted = counts(theirs, ours)
    # A single value that all have leaves nothing to compare.
    p = 1.0 if len(counted) == 1 else stats.chi2_contingency(
        [row[1:] for row in counted], correction=False).pvalue
    return Test(quantity, CHI_SQUARED, theirs, ours, float(p))
  return Test(quantity, KOLMOGOROV_SMIRNOV, theirs, ours,
              float(stats.ks_2samp(theirs, ours).pvalue))


def counts(theirs, ours):
  """Returns [(value, how often in theirs, in ours), ...] of int arrays."""
  return [(int(value), int((theirs == value).sum()), int((ours == value).sum()))
          for value in np.union1d(theirs, ours)]


def differs(test, result):
  """Whether a Test is significant, at LEVEL shared among all of the Result."""
  return test.p < LEVEL / len(result.tests)


def unexplained(result):
  """Returns how many quantities differ, and pipelines whose images are odd."""
  return (sum(differs(test, result) for test in result.tests) +
          sum(n > 0 for n in result.not_codes))


def section(result):
  """Returns a section of the report for a Result."""
  text = [
      'Both pipelines ran with their own queues, first on files in which the '
      'pixels tell their place and label, so that crop, flip and contrast are '
      'read off each finished image: of %d and %d of them, %d of theirs and %d '
      'of ours are not what these and the label say, pixel by pixel. '
      'Standardization takes the brightness out again, so that is what the op '
      'adds. All else is of images of --data_dir.' %
      (*(len(side) for side in result.tests[0][2:4]), *result.not_codes),
      '%d quantities were tested, each with a two-sample test. A difference '
      'counts as unexplained where p < %g / %d = %.2g: were the pipelines '
      'equal, at most one comparison in %d would show any.' %
      (len(result.tests), LEVEL, len(result.tests), LEVEL / len(result.tests),
       round(1 / LEVEL))]
  tables = [compare_report.table(
      'Two-sample tests',
      ('quantity', 'test', 'theirs: least, mean, largest', 'ours', 'p',
       'differs'),
      [(t.quantity, t.test, _summary(t.theirs), _summary(t.ours), '%.3g' % t.p,
        'yes' if differs(t, result) else 'no') for t in result.tests])]
  counted, plots = [], []
  for t in result.tests:
    if t.test == CHI_SQUARED:
      rows = counts(t.theirs, t.ours)
      counted += [(t.quantity,) + row for row in rows]
      svg = compare_plots.bars(*({value: row[n] for value, *row in rows}
                                 for n in range(2)), t.quantity)
    else:
      svg = compare_plots.histogram(t.theirs, t.ours, t.quantity)
    plots.append(('%s, p = %.3g' % (t.quantity, t.p), svg))
  tables.append(compare_report.table(
      'Images counted', ('quantity', 'value', 'theirs', 'ours'), counted))
  return compare_report.section('Input', unexplained(result), text, tables,
                                plots)


def _summary(values):
  """Returns an array's least, mean and largest value as text."""
  return '%.3g … %.3g … %.3g' % (values.min(), values.mean(), values.max())
