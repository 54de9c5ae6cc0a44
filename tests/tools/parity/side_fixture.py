"""Small sides, and an original that answers with the port's notes."""

import contextlib
import os
import tempfile
from unittest import mock

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_compat.training import checkpoint_list
from tests.helpers import record_fixture
from tests.helpers import small_training
from tests.tools.editions import historical_fixture
from tools.parity import keys as keys_lib
from tools.parity import sides
from tools.parity import today_side

# Initial weights of small sides.
WEIGHTS = {'w': np.array([1, 2, 3], np.float32)}


def batches(unused_data_dir, steps):
  """Yields batches for small sides, in place of those of batches.draw()."""
  for i in range(steps):
    yield np.full((2, 3), i + 1, np.float32), np.full(2, i, np.int32)


def class_contexts(cls):
  """Prepares contexts that last until all tests of a class have run.

  Returns:
    (ExitStack, str): where the class enters contexts, and a directory with
    batches of 200 random images.
  """
  stack = contextlib.ExitStack()
  cls.addClassCleanup(stack.close)
  directory = stack.enter_context(tempfile.TemporaryDirectory())
  record_fixture.write_batches(directory, *record_fixture.random_images(200))
  return stack, directory


def both(test):
  """Returns a small original and a small port."""
  return small(test, name='original'), small(test)


def small(test, *, name='port', **variation):
  """Returns a today_side.Today on the graph of one weight.

  Args:
    test: tf.test.TestCase; its end closes the side.
    name: str, 'original' or 'port'.
    **variation: of small_training.meta_graph().
  """
  return test.enter_context(
      today_side.Today(
          small_training.meta_graph(**variation),
          directory=test.create_tempdir().full_path,
          source='/source' if name == 'original' else '',
          edition=historical_fixture.OLD,
      )
  )


def data_dir(test, images=2):
  """Returns a directory with batches of random images, for one test.

  Args:
    test: tf.test.TestCase or absltest.TestCase.
    images: int, number of images.
  """
  directory = test.create_tempdir().full_path
  record_fixture.write_batches(directory, *record_fixture.random_images(images))
  return directory


def run_main(main, *arguments):
  """Returns a program's exit code and the lines it printed."""
  with mock.patch('builtins.print') as printed:
    code = main(list(arguments))
  return code, [call.args[0] for call in printed.call_args_list]


def match(original, port):
  """Returns the keys.Keys of two sides."""
  return keys_lib.match(original.keys, port.keys, step_key=port.step_key)


def write_events(directory, *tags):
  """Writes an event file with these tags; returns its directory."""
  with tf.Graph().as_default(), tf.summary.FileWriter(directory) as writer:
    values = [tf.Summary.Value(tag=tag, simple_value=1) for tag in tags]
    writer.add_summary(tf.Summary(value=values), 0)
  return directory


def check_left(test, directory, weights):
  """Checks that a directory looks as a trainer leaves it after three steps."""
  path = os.path.join(directory, 'model.ckpt-3')
  test.assertEqual(path, sides.checkpoint_name(directory, 3))
  test.assertEqual(path, checkpoint_list.newest(directory).path)
  # The evaluators of 2016 find it so.
  state = tf.train.get_checkpoint_state(directory)
  test.assertEqual(path, state.model_checkpoint_path)
  reader = tf.train.NewCheckpointReader(path)
  test.assertAllEqual(weights, reader.get_tensor('w'))


class Noted(object):
  """Replaces an original on an old TensorFlow.

  Attributes:
    notes: for each look, a list of the notes on its batches; tests may change
      them.
  """

  runtime, where = '0.0', ' on TensorFlow 0.0'

  def __init__(self, port, names, batches, directory):
    """Has the port take the steps.

    Args:
      port: today_side.Today, which has its values.
      names: names of further values to note.
      batches: list of the batches of each look.
      directory: str, for checkpoints.
    """
    self._batches, self._paths, self.notes = batches, [], []
    for n, looked_at in enumerate(batches):
      path = os.path.join(directory, 'start-%d' % n)
      self._paths.append(port.save('V2', path))
      start = port.read()
      self.notes.append([])
      for batch in looked_at:
        port.load(start)
        self.notes[n].append({**port.observe(*batch, names), 'rate': 0.1})
    self.keys = list(port.keys)

  def looks(self):
    for n, path in enumerate(self._paths):
      yield sides.Look(n, path, zip(self._batches[n], self.notes[n]))
