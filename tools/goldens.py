"""What an unmodified historical trainer builds and computes, for the tests.

  goldens --source=DIR --data_dir=DIR [--regenerate]

DIR of --source is what tools/historical.py takes.  A golden holds every op of
the historical training graph, one a line, its variables and summary tags, and
some values that it computes.  --regenerate writes tests/golden/EDITION.json;
without it, the file that is there is checked against the source.

Everything in a golden comes from the graph that the historical code hands over
out of a process of its own: nothing of our graph can get into it.
"""

from cifar10_compat import quiet  # pylint: disable=unused-import

import json
import os
import sys

from google.protobuf import text_format
import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10
from cifar10_compat import datasets
from cifar10_compat import errors
from tools import command_line
from tools import compare_values
from tools import historical
from tools import historical_graph
from tools import training_graph

DIRECTORY = os.path.join(
    os.environ.get('BUILD_WORKSPACE_DIRECTORY') or
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
    'tests', 'golden')

# From edition to file: those that compare_exemptions.py knows.
FILES = {
    'tensorflow v0.7.0 and v0.7.1': 'v0.7.0.json',
    'tensorflow/models v1.12.0 and v1.13.0': 'v1.13.0.json',
}

# What stands in a golden for the directory of the images.
_DATA_DIR = b'DATA_DIR'

# Two computers differ in how they round and in which order they add up: by this
# much, of the largest number that is compared together.
TOLERANCE = 1e-4

# Steps at which the learning rate is read: around its first two drops.
_RATE_STEPS = (0, 136717, 136718, 273435, 273436)

_SHAPES = '_output_shapes'


def path(edition, directory=DIRECTORY):
  """Returns the path of an edition's golden.

  Raises:
    UsageError: the edition is not one that is compared.
  """
  if edition not in FILES:
    raise errors.UsageError('there is no golden for %s, only for %s' %
                            (edition, ', '.join(sorted(FILES))))
  return os.path.join(directory, FILES[edition])


def read(edition, directory=DIRECTORY):
  """Reads a golden, if it is one for the TensorFlow that runs.

  Args:
    edition: str, a name in historical.EDITIONS.
    directory: str, of the goldens.

  Returns:
    dict, see make().

  Raises:
    UsageError: it is missing, was made from other files than the edition's, or
      by another minor version of TensorFlow: these differ in the ops that they
      make of one and the same call.
  """
  name = path(edition, directory)
  remedy = ('make it with tools/goldens.py --source=DIR --data_dir=DIR '
            '--regenerate, DIR holding %s' % edition)
  if not os.path.exists(name):
    raise errors.UsageError('%s is missing: %s' % (name, remedy))
  with open(name, encoding='utf-8') as f:
    golden = json.load(f)
  sha256 = {e.name: e.sha256 for e in historical.EDITIONS}[edition]
  if (golden['edition'], golden['sha256']) != (edition, sha256):
    raise errors.UsageError('%s was made from %s (SHA-256 %s): %s' %
                            (name, golden['edition'], golden['sha256'], remedy))
  if _minor(golden['tensorflow']) != _minor(tf.__version__):
    raise errors.UsageError(
        '%s was made with TensorFlow %s, and this is %s: %s' %
        (name, golden['tensorflow'], tf.__version__, remedy))
  return golden


def make(meta_graph, edition, data_dir):
  """Makes a golden of a historical training graph.

  TensorFlow 2's behavior must be off.

  Args:
    meta_graph: MetaGraphDef, from historical_graph.build_apart().
    edition: historical.Edition that it was built by.
    data_dir: str, the directory that it reads images from.

  Returns:
    dict of plain values:
      edition, sha256: of historical.EDITIONS.
      tensorflow: version.
      trainable: dict from key to shape.
      averages: keys of the averaged weights, in the order of `trainable`.
      loss_averages: keys.
      step: key and type of the step counter.
      summaries: dict from type of op to tags, in the order of the merged
        summary.
      values: see values().
      ops: list of [name, type, device, inputs, attributes].
  """
  with training_graph.Training(meta_graph) as training:
    shadows = list(training.shadows.values())
    step = training.variables[training.step_key]
    return {
        'edition': edition.name,
        'sha256': edition.sha256,
        'tensorflow': tf.__version__,
        'trainable': {key: training.variables[key].shape.as_list()
                      for key in training.gradients},
        'averages': shadows,
        'loss_averages': [key for key in training.variables
                          if key not in training.gradients
                          and key not in shadows and key != training.step_key],
        'step': [training.step_key, step.dtype.base_dtype.name],
        'summaries': summary_tags(training.session.graph),
        'values': values(training),
        'ops': _ops(meta_graph.graph_def, data_dir),
    }


def summary_tags(graph):
  """Returns a dict from type of summary op to tags, of a graph's merged one."""
  merged, = [op for op in graph.get_operations() if op.type == 'MergeSummary']
  tags = {}
  for summary in merged.inputs:
    tag = tf.get_static_value(summary.op.inputs[0]).item().decode()
    tags.setdefault(summary.op.type, []).append(tag)
  return tags


def values(training):
  """Computes, from weights and images drawn by formula, what is to be compared.

  Args:
    training: training_graph.Training of the network; its values are lost.

  Returns:
    dict from a description to a list of floats.
  """
  graph = training.session.graph
  result = {}
  start = {key: _weights(n, training.variables[key].shape.as_list())
           for n, key in enumerate(sorted(training.gradients))}
  compare_values.start(training, start)
  images, labels = _batch(training.images.shape.as_list())
  feed = {training.images: images, training.labels: labels}
  loss, logits, gradients = training.session.run(
      [training.loss, graph.get_tensor_by_name(
          'softmax_linear/softmax_linear:0'), dict(training.gradients)], feed)
  result['loss'] = [loss]
  for n in range(3):
    result['logits of image %d' % n] = logits[n]
  for key, gradient in gradients.items():
    result['norm of the gradient of %s' % key] = [np.linalg.norm(gradient)]
    result['gradient of %s' % key] = _some(gradient)
  for _ in range(2):
    training.session.run(training.train_op, feed)
  after = training.read()
  for key in training.variables:
    # An average that sees its weight before or after the update, as it comes,
    # has no one value.
    if key not in training.shadows.values():
      result['%s after 2 steps' % (
          'step counter' if key == training.step_key else key)] = _some(
              after[key])

  rate, = {op.inputs[1] for op in graph.get_operations()
           if op.type == 'ApplyGradientDescent'}
  for step in _RATE_STEPS:
    training.load(dict(after, **{training.step_key: step}))
    result['learning rate at step %d' % step] = [training.session.run(rate)]

  standardized, = [op for op in graph.get_operations()
                   if op.name.endswith('per_image_standardization')]
  image = graph.get_tensor_by_name(standardized.name + '/control_dependency:0')
  result['a standardized image'] = _some(training.session.run(
      standardized.outputs[0], {image: _image(image.shape.as_list())}))
  # 9 digits tell any two float32 apart.
  return {name: [float('%.9g' % v) for v in numbers]
          for name, numbers in result.items()}


def different_values(golden, found):
  """Compares what values() returned.

  Args:
    golden, found: dicts from values().

  Returns:
    list of str, what differs by more than TOLERANCE.
  """
  different = []
  for name in sorted(set(golden) | set(found)):
    a, b = (np.array(side.get(name, []), np.float64)
            for side in (golden, found))
    if a.shape != b.shape or not np.allclose(
        b, a, rtol=0, atol=TOLERANCE * np.abs(a).max(initial=0)):
      different.append('%s: %s, not %s' % (name, list(b), list(a)))
  return different


def graph_def(golden, data_dir):
  """Returns the GraphDef, with shapes, of a golden.

  Args:
    golden: dict, from read().
    data_dir: str, the directory of images that the other graph reads.
  """
  graph = tf.GraphDef()
  for name, op, device, inputs, attributes in golden['ops']:
    node = graph.node.add(name=name, op=op, device=device, input=inputs)
    for key, value in attributes.items():
      _parse(key, value, node.attr[key])
    _replace(node, _DATA_DIR, data_dir.encode())
  return graph


def differences(golden, other):
  """Returns the names of the parts in which two goldens differ."""
  different = [key for key in golden
               if key != 'values' and golden[key] != other[key]]
  return different + different_values(golden['values'], other['values'])


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
    entries = ([json.dumps(k) + ': ' + json.dumps(v) for k, v in value.items()]
               if isinstance(value, dict) else
               [json.dumps(v, separators=(',', ':')) for v in value])
    return '%s\n%s\n%s' % (brackets[0], ',\n'.join(entries), brackets[1])
  name = path(golden['edition'], directory)
  with open(name, 'w', encoding='utf-8') as f:
    f.write('{\n%s\n}\n' % ',\n'.join(
        '%s: %s' % (json.dumps(key), lines(value))
        for key, value in golden.items()))
  return name


def _minor(version):
  return version.split('.')[:2]


def _weights(n, shape):
  """Draws the n-th variable: with a loss that two steps do not throw about."""
  drawn = np.random.RandomState(n).standard_normal(shape)
  scale = 0.1 if len(shape) == 1 else 1 / np.sqrt(2 * np.prod(shape[:-1]))
  return (scale * drawn).astype(np.float32)


def _batch(shape):
  """Draws a batch, of such contrast that the norm layers have an effect."""
  images = 5 * np.random.RandomState(100).standard_normal(shape)
  labels = np.arange(shape[0]) % cifar10.NUM_CLASSES
  return images.astype(np.float32), labels.astype(np.int32)


def _image(shape):
  """Returns an image of the values 0 to 255, in steps along each dimension."""
  y, x, channel = np.indices(shape)
  return ((13 * y + 7 * x + 101 * channel) % 256).astype(np.float32)


def _some(array):
  """Returns at most five elements, from the first to the last."""
  flat = np.ravel(array)
  return flat[np.linspace(0, flat.size - 1, min(flat.size, 5)).astype(int)]


def _ops(graph, data_dir):
  """Returns the ops of a GraphDef as plain values."""
  ops = []
  for node in graph.node:
    moved = tf.NodeDef()
    moved.CopyFrom(node)
    _replace(moved, data_dir.encode(), _DATA_DIR)
    ops.append([moved.name, moved.op, moved.device, list(moved.input),
                {key: _plain(key, moved.attr[key])
                 for key in sorted(moved.attr)}])
  return ops


def _replace(node, old, new):
  """Replaces a part of the texts that a constant holds."""
  if node.op == 'Const':
    texts = node.attr['value'].tensor.string_val
    texts[:] = [text.replace(old, new) for text in texts]


def _plain(key, attribute):
  """Returns an attribute as a short plain value; _parse() is the inverse."""
  kind = attribute.WhichOneof('value')
  if key == _SHAPES:
    return [None if shape.unknown_rank else [d.size for d in shape.dim]
            for shape in attribute.list.shape]
  if kind == 'type':
    return tf.DType(attribute.type).name
  if kind in ('b', 'i'):
    return getattr(attribute, kind)
  if kind == 'list' and attribute.list.s:
    return [text.decode() for text in attribute.list.s]
  return text_format.MessageToString(attribute, as_one_line=True)


def _parse(key, plain, attribute):
  """Fills an empty attribute."""
  if key == _SHAPES:
    attribute.list.SetInParent()
    for dims in plain:
      shape = attribute.list.shape.add(unknown_rank=dims is None)
      for size in dims or ():
        shape.dim.add(size=size)
  elif isinstance(plain, bool):
    attribute.b = plain
  elif isinstance(plain, int):
    attribute.i = plain
  elif isinstance(plain, list):
    attribute.list.s.extend(text.encode() for text in plain)
  elif ' ' in plain:
    text_format.Parse(plain, attribute)
  else:
    attribute.type = tf.as_dtype(plain).as_datatype_enum


def _parser():
  parser = command_line.Parser(prog='goldens', allow_abbrev=False,
                               description=__doc__.partition('\n')[0])
  parser.add_argument('--source', required=True, metavar='DIR',
                      help='the unmodified historical files')
  parser.add_argument('--data_dir', required=True, metavar='DIR',
                      help='the directory above cifar-10-batches-bin')
  parser.add_argument('--regenerate', action='store_true',
                      help='write the golden instead of checking it')
  parser.add_argument('--out', metavar='DIR', default=DIRECTORY,
                      help='directory of the goldens (default tests/golden)')
  return parser


def main(argv):
  """Returns the exit code for a command line without the program's name."""
  return command_line.run('goldens', lambda: _main(argv))


def _main(argv):
  args = _parser().parse_args(argv)
  source, data_dir, out = (
      command_line.path(p) for p in (args.source, args.data_dir, args.out))
  edition = historical.find_edition(source)
  name = path(edition.name, out)
  datasets.check(datasets.CIFAR10, data_dir, eval_data=False)
  before = None if args.regenerate else read(edition.name, out)
  tf.disable_v2_behavior()
  made = make(historical_graph.build_apart(source, data_dir), edition, data_dir)
  if args.regenerate:
    try:
      write(made, out)
    except OSError as e:
      raise errors.UsageError('%s cannot be written (%s)' %
                              (name, e.strerror)) from e
    print('wrote %s' % name)
    return 0
  different = differences(before, made)
  for text in different:
    print(text)
  print('%s: %d differences' % (name, len(different)))
  return 1 if different else 0


if __name__ == '__main__':
  sys.exit(main(sys.argv[1:]))
