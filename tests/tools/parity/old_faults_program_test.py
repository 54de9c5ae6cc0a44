"""What is wrong in ours is found against a step that TensorFlow 0.12.1 took."""

import contextlib
import tempfile
from unittest import mock

import tensorflow.compat.v1 as tf

from tests.helpers import record_fixture
from tests.tools.editions import old_runtimes
from tools.base import training_graph
from tools.editions import old_scripts
from tools.editions import scripts
from tools.parity import old_answers
from tools.parity import old_checkpoints
from tools.parity import old_keys
from tools.parity import old_step
from tools.parity import old_tags

_VERSION = '0.12.1'


class OldFaultsTest(tf.test.TestCase):

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    stack = contextlib.ExitStack()
    cls.addClassCleanup(stack.close)
    environment = old_runtimes.environment(cls('test_nothing'), _VERSION)
    scratch, data_dir = (
        stack.enter_context(tempfile.TemporaryDirectory()) for _ in range(2)
    )
    record_fixture.write_batches(data_dir, *record_fixture.random_images(200))
    cls.training = stack.enter_context(
        training_graph.Training(training_graph.ours(data_dir))
    )
    source = old_scripts.bundled(environment)
    cls.edition = scripts.find_edition(source)
    cls.answer, cls.values = old_answers.ask(
        source,
        environment,
        cls.edition,
        data_dir,
        steps=2,
        training=cls.training,
        scratch=scratch,
    )
    cls.keys = old_keys.match(
        cls.answer.keys,
        cls.training.variables,
        step_key=cls.training.step_key,
    )

  def step(self):
    return old_step.section(_VERSION, self.answer, self.training, self.keys)

  @contextlib.contextmanager
  def changed(self, key):
    """Lets one element of a variable of ours be off once it is restored."""
    restore = old_checkpoints.restore

    def off(path, training, keys, **kwargs):
      restore(path, training, keys, **kwargs)
      values = training.read()
      values[key].flat[0] += 1e-3
      training.load(values)

    with mock.patch.object(old_checkpoints, 'restore', off):
      yield

  def test_nothing(self):
    self.assertEqual(0, self.step()['unexplained'])

  def test_a_weight_changed_by_a_thousandth(self):
    self.assertLen(self.training.gradients, 10)
    for key in self.training.gradients:
      with self.changed(key):
        section = self.step()
        found = {
            row[0]
            for table in section['tables']
            for row in table['rows']
            if table['caption'].startswith('Above the bound')
        }
        self.assertIn('after: ' + key, found)
        section = old_checkpoints.section(
            _VERSION, self.answer, self.values, self.training, self.keys
        )
        # In both formats.
        self.assertEqual(2, section['unexplained'], key)

  def test_a_swapped_gradient(self):
    a, b = 'conv1/biases', 'conv2/biases'
    gradients = self.training.gradients
    swapped = {**gradients, a: gradients[b], b: gradients[a]}
    with mock.patch.object(self.training, 'gradients', swapped):
      # Both, at both moments.
      self.assertGreaterEqual(self.step()['unexplained'], 4)

  def test_a_renamed_tag(self):
    ours = old_tags.ours

    def renamed(*args):
      run = ours(*args)
      tags = set(run.tags) - {'learning_rate'} | {'rate'}
      self.assertLen(tags, len(run.tags))
      return run._replace(tags=frozenset(tags))

    listed = old_tags.listed(self.edition.name, _VERSION)

    def unexplained():
      return old_tags.section(_VERSION, self.answer, self.training, listed)[
          'unexplained'
      ]

    self.step()  # It leaves values there.
    self.assertEqual(0, unexplained())
    with mock.patch.object(old_tags, 'ours', renamed):
      # Theirs that ours lacks, and ours that theirs lacks.
      self.assertEqual(2, unexplained())
