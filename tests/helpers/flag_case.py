"""Tests of flags, from the command line to their effect.

A test declares with covers() the flags and programs it covers;
FlagCase.assert_covered() finds flags without a test.
"""

import collections
import os
import pathlib
from unittest import mock

import tensorflow.compat.v1 as tf

from cifar10_compat.base import errors
from cifar10_compat.data import description
from cifar10_compat.data import fetch
from cifar10_compat.training import checkpoints
from tests.helpers import main_program
from tests.helpers import record_fixture

_covered = collections.defaultdict(set)


def covers(program, *names):
  """Declares that the decorated test covers these flags of a program."""
  _covered[program].update(names)
  return lambda test: test


def graph(train_dir, step):
  """Returns {name: NodeDef} of the graph that a trainer saved."""
  path = os.path.join(train_dir, 'model.ckpt-%d.meta' % step)
  graph = tf.MetaGraphDef.FromString(pathlib.Path(path).read_bytes()).graph_def
  return {node.name: node for node in graph.node}


def constant(node):
  return tf.make_ndarray(node.attr['value'].tensor).item()


class FlagCase(tf.test.TestCase):
  """A directory with small image sets, and the files of a training run."""

  def setUp(self):
    super().setUp()
    self.root = self.create_tempdir().full_path
    self.train_dir = os.path.join(self.root, 'train')
    self.data_dir = os.path.join(self.root, 'data')
    record_fixture.write_batches(
        self.data_dir, *record_fixture.random_images(60)
    )
    # A custom set with three classes.
    self.own = os.path.join(self.root, 'own')
    os.mkdir(self.own)
    images, labels = record_fixture.random_images(60)
    dataset = record_fixture.write_set(
        self.own, images, [label % 3 for label in labels]
    )._replace(class_names=('a', 'b', 'c'))
    pathlib.Path(self.own, description.FILE_NAME).write_text(
        description.describe(dataset)
    )

  def steps(self):
    """Returns the steps of the checkpoints in train_dir."""
    return [c.step for c in checkpoints.complete(self.train_dir)]

  def shape(self, key):
    reader = tf.train.load_checkpoint(self.train_dir)
    return reader.get_variable_to_shape_map()[key]

  def fetched_from(self, program, *args):
    """Returns the URLs from which a program requests the images."""
    with mock.patch.object(
        fetch, 'fetch', side_effect=errors.DataError('none')
    ) as fetched:
      with self.assertRaisesRegex(errors.DataError, 'none'):
        main_program.run(
            program, '--data_dir=' + os.path.join(self.root, 'empty'), *args
        )
    return fetched.call_args.args[0]

  def session_config(self, run):
    """Returns the ConfigProto of the training session."""
    with mock.patch.object(
        tf.train,
        'ChiefSessionCreator',
        side_effect=tf.train.ChiefSessionCreator,
    ) as made:
      run()
    return made.call_args.kwargs['config']

  def assert_covered(self, *programs):
    """Checks that each flag of these programs has a test in this process."""
    for program in programs:
      with self.subTest(program.__name__):
        self.assertEqual(main_program.flags_of(program), _covered[program])
