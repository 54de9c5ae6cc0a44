"""Converts the ops of a graph to plain values and back."""

from google.protobuf import text_format
import tensorflow.compat.v1 as tf

# Placeholder for the image directory in a golden.
_DATA_DIR = b'DATA_DIR'

# Graph.as_graph_def(add_shapes=True) adds this attribute.
_SHAPES = '_output_shapes'


def plain(graph, data_dir):
  """Returns the ops of a GraphDef as plain values.

  Args:
    graph: GraphDef, with shapes.
    data_dir: str, the directory from which the graph reads images.

  Returns:
    list of [name, type, device, inputs, attributes].
  """
  ops = []
  for node in graph.node:
    moved = tf.NodeDef()
    moved.CopyFrom(node)
    _replace(moved, data_dir.encode(), _DATA_DIR)
    ops.append(
        [
            moved.name,
            moved.op,
            moved.device,
            list(moved.input),
            {
                key: _plain_attribute(key, moved.attr[key])
                for key in sorted(moved.attr)
            },
        ]
    )
  return ops


def graph_def(ops, data_dir):
  """Returns a GraphDef with shapes: the inverse of plain().

  Args:
    ops: list, from plain().
    data_dir: str, the directory from which the graph reads images.
  """
  graph = tf.GraphDef()
  for name, op, device, inputs, attributes in ops:
    node = graph.node.add(name=name, op=op, device=device, input=inputs)
    for key, value in attributes.items():
      _parse(key, value, node.attr[key])
    _replace(node, _DATA_DIR, data_dir.encode())
  return graph


def _replace(node, old, new):
  """Replaces a substring in the strings of a constant op."""
  if node.op == 'Const':
    texts = node.attr['value'].tensor.string_val
    texts[:] = [text.replace(old, new) for text in texts]


def _plain_attribute(key, attribute):
  """Returns an attribute as a short plain value: the inverse of _parse()."""
  kind = attribute.WhichOneof('value')
  if key == _SHAPES:
    return [
        None if shape.unknown_rank else [d.size for d in shape.dim]
        for shape in attribute.list.shape
    ]
  if kind == 'type':
    return tf.DType(attribute.type).name
  if kind in ('b', 'i'):
    return getattr(attribute, kind)
  if kind == 'list' and attribute.list.s:
    return [text.decode() for text in attribute.list.s]
  return text_format.MessageToString(attribute, as_one_line=True)


def _parse(key, plain, attribute):
  """Sets an attribute to a plain value: the inverse of _plain_attribute()."""
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
