"""Counts the parameters and multiply-adds of a network, layer by layer."""

from typing import NamedTuple

from ...base import training_graph

# Op types that count as part of a layer.
_LAYER_OPS = (
    'Conv2D',
    'MatMul',
    'BiasAdd',
    'Add',
    'AddV2',
    'Relu',
    'MaxPool',
    'LRN',
)

# The layers of cuda-convnet2's layers-cifar10-11pct, which the tutorial's
# network follows: name, output positions, inputs per position, output maps.
_CONVNET2 = (
    ('conv1', 24 * 24, 5 * 5 * 3, 64),
    ('conv2', 12 * 12, 5 * 5 * 64, 64),
    ('local3', 6 * 6, 3 * 3 * 64, 64),
    ('local4', 6 * 6, 3 * 3 * 64, 32),
    ('fc10', 1, 6 * 6 * 32, 10),
)


class Layer(NamedTuple):
  """The ops and the size of one layer; multiply-adds are per image."""

  name: str
  ops: str  # types
  shape: tuple  # of the output
  parameters: int
  multiply_adds: int


def count(output):
  """Measures the layers, grouped by op name prefix, that a tensor depends on.

  Args:
    output: tensor of shape [1, ...]; the shapes of all ops that it depends on
      must be known.

  Returns:
    list of Layers.  Biases are included in the parameters, but not in the
    multiply-adds.
  """
  above = training_graph.ancestors(output.op) | {output.op}
  found = {}
  for op in output.graph.get_operations():
    if op in above and op.type in _LAYER_OPS:
      found.setdefault(op.name.partition('/')[0], []).append(op)
  return [
      Layer(
          name,
          ' '.join(op.type for op in ops),
          tuple(ops[-1].outputs[0].shape.as_list()[1:]),
          sum(_parameters(op) for op in ops),
          sum(_multiply_adds(op) for op in ops),
      )
      for name, ops in found.items()
  ]


def _parameters(op):
  """Returns the number of elements of the variables that an op reads."""
  return sum(
      t.shape.num_elements()
      for t in op.inputs
      if t.op.type == 'Identity' and t.op.inputs[0].op.type == 'VariableV2'
  )


def _multiply_adds(op):
  """Returns the multiply-adds of an op: outputs times terms per output."""
  if op.type not in ('Conv2D', 'MatMul'):
    return 0
  summed = op.inputs[1].shape[:-1].num_elements()
  return op.outputs[0].shape.num_elements() * summed


def convnet2_multiply_adds():
  """Returns the multiply-adds of each layer of cuda-convnet2's network."""
  return {
      name: positions * seen * maps for name, positions, seen, maps in _CONVNET2
  }


COLUMNS = ('layer', 'ops', 'output', 'parameters', 'multiply-adds')


def rows(counted):
  """Returns a table row for each Layer, and a row of totals."""
  total = Layer(
      'all',
      '',
      (),
      sum(l.parameters for l in counted),
      sum(l.multiply_adds for l in counted),
  )
  return [
      (
          l.name,
          l.ops,
          ' x '.join(map(str, l.shape)),
          '{:,}'.format(l.parameters),
          '{:,}'.format(l.multiply_adds),
      )
      for l in [*counted, total]
  ]
