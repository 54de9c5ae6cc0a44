"""The port's graph is compared with the goldens; and the tool that makes them.

Without the historical sources, only the goldens can show that every change of
the graph is listed.
"""

import copy
import json
from unittest import mock

from absl.testing import parameterized
import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10
from cifar10_compat.base import errors
from tests.tools.editions import historical_fixture
from tests.tools.parity import side_fixture
from tools.base import training_graph
from tools.editions import historical_graph
from tools.editions import scripts
from tools.parity import golden_files
from tools.parity import golden_ops
from tools.parity import goldens
from tools.parity import graph_diff
from tools.parity import mapping

_EDITIONS = sorted(mapping.EDITIONS)
_EDITION = 'tensorflow v0.7.0 and v0.7.1'


class PortTest(parameterized.TestCase, tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.data_dir = side_fixture.data_dir(self)

  def compare(self, edition, port, more=()):
    listed = mapping.of_edition(edition)
    golden = golden_ops.graph_def(goldens.read(edition)['ops'], self.data_dir)
    return listed._replace(exemptions=listed.exemptions + more).compare(
        golden, port.graph_def
    )

  @parameterized.parameters(_EDITIONS)
  def test_every_op_is_the_same_or_exempt_and_no_exemption_is_stale(
      self, edition
  ):
    found = self.compare(edition, training_graph.ours(self.data_dir))
    self.assertEqual((), found.unexplained)
    self.assertEqual((), found.stale)
    self.assertLen(
        mapping.of_edition(edition).exemptions,
        len({d[:2] for d, _ in found.explained}),
    )

  def test_a_change_of_the_port_is_detected(self):
    port = training_graph.ours(self.data_dir)
    nodes = {node.name: node for node in port.graph_def.node}
    nodes['norm1'].attr['beta'].f = 0.5
    nodes['pool2'].name = 'pool_2'
    found = self.compare(_EDITION, port)
    self.assertContainsSubset(
        {('norm1', 'beta'), ('pool2', 'presence'), ('pool_2', 'presence')},
        {d[:2] for d in found.unexplained},
    )

  def test_a_stale_exemption_is_detected(self):
    stale = graph_diff.Exemption('norm1', 'beta', 'for no reason at all')
    found = self.compare(
        _EDITION,
        training_graph.ours(self.data_dir),
        (stale,),
    )
    self.assertEqual((stale,), found.stale)

  def test_goldens_are_of_the_editions_with_exemptions(self):
    self.assertEqual(_EDITIONS, sorted(goldens.FILES))


class ToolTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.out = self.create_tempdir().full_path
    self.golden = goldens.read(_EDITION)

  def rewrite(self, **changes):
    return golden_files.write(
        dict(self.golden, **changes), goldens.path(_EDITION, self.out)
    )

  def test_other_tensorflow(self):
    major, minor, _ = tf.__version__.split('.', 2)
    self.rewrite(tensorflow='%s.%s.99' % (major, minor))
    goldens.read(_EDITION, self.out)
    other = '%s.%d.0' % (major, int(minor) + 1)
    self.rewrite(tensorflow=other)
    with self.assertRaises(errors.UsageError) as caught:
      goldens.read(_EDITION, self.out)
    self.assertIn(
        'made with TensorFlow %s, not %s' % (other, tf.__version__),
        str(caught.exception),
    )
    self.assertIn('--regenerate', str(caught.exception))

  def test_one_op_a_line(self):
    with open(self.rewrite(), encoding='utf-8') as f:
      lines = [line for line in f if line.startswith('["')]
    self.assertLen(lines, len(self.golden['ops']))

  def test_regenerate_and_check(self):
    # A ready graph replaces the process that builds the original's.  The
    # program must not build the port's.
    data_dir = side_fixture.data_dir(self)
    original = training_graph.ours(data_dir)
    edition = historical_fixture.OLD._replace(name=_EDITION)
    arguments = [
        '--source=' + self.out,
        '--data_dir=' + data_dir,
        '--out=' + self.out,
    ]
    with (
        mock.patch.object(scripts, 'find_edition', return_value=edition),
        mock.patch.object(scripts, 'EDITIONS', (edition,)),
        mock.patch.object(
            historical_graph, 'build_apart', return_value=original
        ),
        mock.patch.object(cifar10, 'inference', side_effect=AssertionError),
        mock.patch('builtins.print') as printed,
    ):
      self.assertEqual(1, goldens.main(arguments))
      self.assertIn('is missing', printed.call_args[0][0])
      self.assertEqual(0, goldens.main(arguments + ['--regenerate']))
      self.assertEqual(0, goldens.main(arguments))
      self.assertIn(': 0 differences', printed.call_args[0][0])

      golden = goldens.read(_EDITION, self.out)
      golden = copy.deepcopy(golden)
      golden['ops'][0][0] += '_1'
      golden['values']['loss'][0] *= 1.001
      golden_files.write(golden, goldens.path(_EDITION, self.out))
      self.assertEqual(1, goldens.main(arguments))
      self.assertIn(': 2 differences', printed.call_args[0][0])

      self.assertEqual(
          1, goldens.main(arguments[:2] + ['--out=/no/such', '--regenerate'])
      )
      self.assertIn('/no/such', printed.call_args[0][0])
    self.assertEqual(['global_step', 'int64'], golden['step'])
    # 10 weights, 10 averages of weights, 4 averages of losses.
    for name, count in (
        ('trainable', 10),
        ('averages', 10),
        ('loss_averages', 4),
    ):
      self.assertLen(golden[name], count, name)
    constants = [
        attributes['value']
        for name, _, _, _, attributes in golden['ops']
        if name == 'input_producer/Const'
    ]
    self.assertIn(
        '"DATA_DIR/cifar-10-batches-bin/data_batch_1.bin"', constants[0]
    )
    self.assertNotIn(data_dir, json.dumps(golden))
