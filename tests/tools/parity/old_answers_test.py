"""What an old interpreter is asked, and how its answer is read."""

import json
import os
from unittest import mock

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_compat.base import errors
from tests.helpers import record_fixture
from tests.helpers import small_training
from tests.tools.editions import fake_runtime
from tests.tools.editions import historical_fixture
from tools.base import training_graph
from tools.editions import calls
from tools.editions import environments
from tools.parity import old_answers


class OldAnswersTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.scratch = self.create_tempdir().full_path
    self.data_dir = self.create_tempdir().full_path
    record_fixture.write_batches(
        self.data_dir, *record_fixture.random_images(200)
    )
    self.training = self.enter_context(
        training_graph.Training(small_training.meta_graph())
    )

  def ask(self, call, steps=3):
    with mock.patch.object(calls, 'call', call):
      return old_answers.ask(
          'some/source',
          environments.Environment(fake_runtime.RUNTIME, '/environment'),
          historical_fixture.OLD,
          self.data_dir,
          steps=steps,
          training=self.training,
          scratch=self.scratch,
      )

  def test_question_and_answer(self):
    asked = {}

    def call(environment, name, arguments, *, scratch, what):
      self.assertEqual('/environment', environment.directory)
      self.assertEqual((self.scratch, 'training'), (scratch, name))
      self.assertIn('--runtime=0.12.1: a test cannot be trained', what)
      asked.update(arguments)
      out = arguments['out']
      np.savez(os.path.join(out, 'step-0-0.npz'), x=[1, 2])
      for file, content in (
          ('graph', {'keys': ['a', 'b']}),
          ('losses', [4.5, 4.25, 4]),
      ):
        with open(os.path.join(out, file + '.json'), 'w') as f:
          json.dump(content, f)

    answer, values = self.ask(call)
    self.assertEqual(os.path.abspath('some/source'), asked['source'])
    self.assertTrue(
        os.path.isfile(
            os.path.join(
                asked['data_dir'], 'cifar-10-batches-bin', 'data_batch_1.bin'
            )
        )
    )
    # Three steps, and the batches that are looked at before and after them.
    looks = old_answers.LOOKS
    self.assertEqual((looks, 3), (asked['looks'], answer.steps))
    with np.load(asked['batches']) as f:
      images, labels = f['images'], f['labels']
    self.assertEqual((3 + 2 * looks, 128, 24, 24, 3), images.shape)
    self.assertAllEqual(images[0], answer.looked_at(0)[0][0])
    self.assertAllEqual(labels[looks + 3], answer.looked_at(1)[0][1])
    self.assertAllEqual(labels[-1], answer.looked_at(1)[-1][1])
    # What is looked at has 16 images, eight times.
    for n, distinct in ((0, 16), (looks, 128), (-1, 16)):
      self.assertLen(np.unique(images[n].reshape(128, -1), axis=0), distinct)
    self.assertAllEqual(images[0][3], images[0][16 * 7 + 3])
    self.assertAllEqual(labels[0][:16], labels[0][-16:])
    # Both formats are there to be restored, with the same values.
    for form, path in asked['restore'].items():
      reader = tf.train.NewCheckpointReader(path)
      self.assertIn(form, ('restored-V1', 'restored-V2'))
      self.assertAllEqual(values['w'], reader.get_tensor('w'))
    self.assertEqual(['a', 'b'], answer.keys)
    self.assertEqual([4.5, 4.25, 4], answer.losses)
    self.assertAllEqual([1, 2], answer.arrays('step-0-0')['x'])
    self.assertEqual(
        os.path.join(asked['out'], 'start-0'), answer.checkpoint('start-0')
    )

  def test_failure_there(self):
    failed = mock.Mock(side_effect=errors.UsageError('what it said'))
    with self.assertRaisesRegex(errors.UsageError, 'what it said'):
      self.ask(failed)
