"""A step on TensorFlow 0.12.1 reveals faults in the port."""

import contextlib
import tempfile
from unittest import mock

import tensorflow.compat.v1 as tf

from tests.tools.editions import old_runtimes
from tests.tools.parity import side_fixture
from tools.editions import old_scripts
from tools.editions import scripts
from tools.parity import checkpoint_exchange
from tools.parity import curves
from tools.parity import old_side
from tools.parity import steps
from tools.parity import today_side

_VERSION = '0.12.1'


class OldFaultsTest(tf.test.TestCase):

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    environment = old_runtimes.environment(cls('test_nothing'), _VERSION)
    stack, data_dir = side_fixture.class_contexts(cls)
    scratch = stack.enter_context(tempfile.TemporaryDirectory())
    cls.port = stack.enter_context(
        today_side.Today.port(data_dir, directory=scratch)
    )
    source = old_scripts.bundled(environment)
    cls.original = old_side.Old(
        source, environment, scripts.find_edition(source), data_dir, steps=2
    ).ask(cls.port, scratch)
    cls.keys = side_fixture.match(cls.original, cls.port)

  def compare(self):
    return steps.compare(self.original, self.port, self.keys)

  @contextlib.contextmanager
  def changed(self, key):
    """Changes one element of a variable of the port after it is restored."""
    restore = self.port.restore

    def off(*args):
      restore(*args)
      values = self.port.read()
      values[key].flat[0] += 1e-3
      self.port.load(values)

    with mock.patch.object(self.port, 'restore', off):
      yield

  def test_nothing(self):
    self.assertEqual(0, self.compare().unexplained)

  def test_a_weight_changed_by_a_thousandth(self):
    self.assertLen(self.port.gradients, 10)
    for key in self.port.gradients:
      with self.changed(key):
        self.assertIn('after: ' + key, self.compare().above)
        section = checkpoint_exchange.section(
            self.original, self.port, self.keys
        )
        # In both formats.
        self.assertEqual(2, section['unexplained'], key)

  def test_a_swapped_gradient(self):
    a, b = 'conv1/biases', 'conv2/biases'
    gradients = self.port.gradients
    swapped = {**gradients, a: gradients[b], b: gradients[a]}
    with mock.patch.object(self.port, 'gradients', swapped):
      for _, passed, found in self.compare().steps:
        # Both gradients, at both looks.
        self.assertIsNotNone(passed)
        above = [d.value for d in found if d.above]
        self.assertContainsSubset(['gradient: ' + a, 'gradient: ' + b], above)

  def test_a_renamed_tag(self):
    self.compare()  # Leaves values in the port.
    tags = self.port.tags
    renamed = tags - {'learning_rate'} | {'rate'}
    self.assertLen(renamed, len(tags))
    # One tag only in the original, one only in the port.
    for found, unexplained in ((tags, 0), (renamed, 2)):
      with mock.patch.object(today_side.Today, 'tags', found):
        section = curves.tags_section(self.original, self.port)
      self.assertEqual(unexplained, section['unexplained'])
