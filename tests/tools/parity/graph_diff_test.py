"""Two small graphs that differ in one known property per case."""

import tensorflow.compat.v1 as tf

from cifar10_compat.base import errors
from tools.parity import graph_diff


def _graph(
    *,
    dtype=tf.float32,
    shape=(2, 3),
    value=1.0,
    multiply=False,
    device='',
    swap=False,
    transpose=False,
    after=False,
    extra=False,
):
  """Returns the GraphDef of y = a - x, with the given variations."""
  with tf.Graph().as_default() as graph:
    x = tf.placeholder(dtype, shape, name='x')
    a = tf.constant(value, dtype, name='a')
    m = tf.constant([[1.0]], name='m')
    with tf.control_dependencies([m] if after else []), tf.device(device):
      inputs = (x, a) if swap else (a, x)
      (tf.multiply if multiply else tf.subtract)(*inputs, name='y')
    tf.matmul(m, m, transpose_b=transpose, name='z')
    if extra:
      tf.no_op(name='extra')
    return graph.as_graph_def(add_shapes=True)


class CompareGraphTest(tf.test.TestCase):

  def check(self, attributes, **variation):
    """Checks that a variation changes these (op, attribute) pairs only."""
    found = graph_diff.compare(_graph(), _graph(**variation))
    self.assertEqual(attributes, [d[:2] for d in found.unexplained])
    for difference in found.unexplained:
      self.assertNotEqual(difference.original, difference.port)
    return found.unexplained

  def test_equal_graphs(self):
    self.check([])
    found = graph_diff.compare(_graph(), _graph())
    self.assertEqual((5, 5), (found.original, found.port))
    self.assertEqual(((), (), ()), found[2:])

  def test_each_kind_of_difference(self):
    (difference,) = self.check([('extra', 'presence')], extra=True)
    self.assertEqual(('(absent)', 'NoOp'), difference[2:])
    (difference,) = self.check([('y', 'type')], multiply=True)
    self.assertEqual(('Sub', 'Mul'), difference[2:])
    (difference,) = self.check([('y', 'device')], device='/cpu:0')
    self.assertEqual(('(none)', '/device:CPU:0'), difference[2:])
    (difference,) = self.check([('y', 'inputs')], swap=True)
    self.assertEqual(('a, x', 'x, a'), difference[2:])
    # TensorFlow 2.9 does not record it.
    noted = '_has_manual_control_dependencies'
    self.check(
        [('m', noted)] * (noted in str(_graph(after=True)))
        + [('y', 'control inputs')],
        after=True,
    )
    self.check([('z', 'transpose_b')], transpose=True)
    self.check([('a', 'value')], value=1.0000001)
    self.check(
        [('x', 'output shapes'), ('x', 'shape'), ('y', 'output shapes')],
        shape=(3, 2),
    )
    self.check(
        [('a', 'dtype'), ('a', 'value'), ('x', 'dtype'), ('y', 'T')],
        dtype=tf.float64,
    )

  def test_order_of_control_inputs_means_nothing(self):
    a, b = tf.GraphDef(), tf.GraphDef()
    for graph, inputs in ((a, ['^p', '^q']), (b, ['^q', '^p'])):
      for name in 'pq':
        graph.node.add(name=name, op='NoOp')
      graph.node.add(name='r', op='NoOp', input=inputs)
    self.assertEmpty(graph_diff.differences(a, b))

  def test_exemption_clears_exactly_its_difference(self):
    exemption = graph_diff.Exemption('y', 'inputs', 'because')
    found = graph_diff.compare(
        _graph(), _graph(swap=True, device='/cpu:0'), exemptions=[exemption]
    )
    self.assertEqual([('y', 'device')], [d[:2] for d in found.unexplained])
    ((difference, reason),) = found.explained
    self.assertEqual(('y', 'inputs', 'because'), difference[:2] + (reason,))
    self.assertEmpty(found.stale)

  def test_exemption_has_no_patterns(self):
    for op, attribute in (('.*', 'inputs'), ('y', '*'), ('*', 'inputs')):
      exemption = graph_diff.Exemption(op, attribute, 'because')
      found = graph_diff.compare(
          _graph(), _graph(swap=True), exemptions=[exemption]
      )
      self.assertLen(found.unexplained, 1)
      self.assertEqual((exemption,), found.stale)

  def test_stale_exemption_is_reported(self):
    exemption = graph_diff.Exemption('y', 'device', 'because')
    found = graph_diff.compare(_graph(), _graph(), exemptions=[exemption])
    self.assertEqual((exemption,), found.stale)

  def test_second_exemption_of_a_difference_is_rejected(self):
    exemptions = [
        graph_diff.Exemption('y', 'device', reason) for reason in ('one', 'two')
    ]
    with self.assertRaisesRegex(errors.UsageError, 'op y, attribute device'):
      graph_diff.compare(_graph(), _graph(), exemptions=exemptions)

  def test_renamed_op_is_compared_like_any_other(self):
    a, b = tf.GraphDef(), tf.GraphDef()
    for graph, name, device in ((a, 'old', '/cpu:0'), (b, 'new', '')):
      graph.node.add(name=name, op='NoOp', device=device)
      user = graph.node.add(
          name='user', op='NoOp', input=[name, name + ':1', '^' + name]
      )
      user.attr['_class'].list.s.append(b'loc:@' + name.encode())
    self.assertLen(graph_diff.compare(a, b).unexplained, 5)
    rename = graph_diff.Rename('old', 'new', 'because')
    found = graph_diff.compare(a, b, renames=[rename])
    self.assertEqual([('new', 'device')], [d[:2] for d in found.unexplained])
    self.assertEmpty(found.stale)
    self.assertEqual('old', a.node[0].name)

    for stale in (rename._replace(original='x'), rename._replace(port='x')):
      found = graph_diff.compare(a, b, renames=[stale])
      self.assertEqual((stale,), found.stale)
    a.node.add(name='new', op='NoOp')
    with self.assertRaisesRegex(errors.UsageError, 'called new'):
      graph_diff.compare(a, b, renames=[rename])

  def test_long_values_are_cut_around_the_difference(self):
    a, b = tf.GraphDef(), tf.GraphDef()
    for graph, last in ((a, 'p'), (b, 'q')):
      graph.node.add(name='r', op='NoOp', input=['x'] * 1000 + [last])
    (difference,) = graph_diff.differences(a, b)
    self.assertEndsWith(difference.original, 'x, p')
    self.assertEndsWith(difference.port, 'x, q')
    self.assertLess(len(difference.original), 250)
