"""Values of the port's graph, compared with those of the historical graph."""

from absl.testing import parameterized
import tensorflow.compat.v1 as tf

from tests.tools.parity import side_fixture
from tools.base import training_graph
from tools.parity import golden_values
from tools.parity import goldens
from tools.parity import mapping
from tools.parity import today_side

_EDITIONS = sorted(mapping.EDITIONS)
_EDITION = 'tensorflow v0.7.0 and v0.7.1'


class GoldenValuesTest(parameterized.TestCase, tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.data_dir = side_fixture.data_dir(self)

  @parameterized.parameters(_EDITIONS)
  def test_values(self, edition):
    expected = goldens.read(edition)['values']
    with today_side.Today.port(self.data_dir, directory='') as port:
      found = golden_values.compute(port)
    self.assertEqual([], golden_values.different(expected, found))

  def test_another_constant_gives_other_values(self):
    port = training_graph.ours(self.data_dir)
    alpha = {node.name: node for node in port.graph_def.node}['norm2'].attr
    alpha['alpha'].f *= 1.1
    with today_side.Today(port) as training:
      found = golden_values.compute(training)
    different = golden_values.different(goldens.read(_EDITION)['values'], found)
    self.assertNotEmpty([d for d in different if d.startswith('logits')])
    self.assertEmpty([d for d in different if d.startswith('learning rate')])

  def test_tolerance_is_of_the_largest_number(self):
    a = {'x': [2.0, 0.0], 'y': [1.0]}
    self.assertEqual(
        [],
        golden_values.different(a, {'x': [2.00019, -0.00019], 'y': [1.00009]}),
    )
    self.assertLen(
        golden_values.different(a, {'x': [2.0, 0.00021], 'y': [1.00011]}), 2
    )
    self.assertLen(golden_values.different(a, {'x': [2.0], 'z': [1.0]}), 3)
    self.assertLen(
        golden_values.different(a, {'x': [2.0, float('nan')], 'y': [1.0]}), 1
    )
