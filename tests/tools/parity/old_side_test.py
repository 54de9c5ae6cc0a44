"""An old interpreter gets its arguments, and its answers are read."""

import json
import os
from unittest import mock

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_compat.base import errors
from tests.tools.editions import fake_runtime
from tests.tools.editions import historical_fixture
from tests.tools.parity import side_fixture
from tools.editions import calls
from tools.editions import environments
from tools.parity import old_side

_LOOKS = old_side.LOOKS


class OldTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.scratch = self.create_tempdir().full_path
    self.data_dir = side_fixture.data_dir(self, 200)
    self.port = side_fixture.small(self)
    self.asked = []
    self.old = old_side.Old(
        'some/source',
        environments.Environment(fake_runtime.RUNTIME, '/environment'),
        historical_fixture.OLD,
        self.data_dir,
        steps=3,
    )

  def answer(self, **files):
    """Makes the interpreter answer with these files: arrays, or JSON values."""

    def call(environment, name, arguments, *, scratch, what):
      self.assertEqual('/environment', environment.directory)
      self.assertEqual(os.path.join(scratch, 'answer'), arguments['out'])
      self.assertEqual(os.path.abspath('some/source'), arguments['source'])
      self.assertEqual(historical_fixture.OLD.package, arguments['package'])
      path = os.path.join(
          arguments['data_dir'], 'cifar-10-batches-bin', 'data_batch_1.bin'
      )
      self.asked.append((name, what, arguments, os.path.getsize(path)))
      for file, content in files.items():
        path = os.path.join(arguments['out'], file.replace('_', '-'))
        if isinstance(content, dict) and file != 'graph':
          np.savez(path + '.npz', **content)
        else:
          with open(path + '.json', 'w') as f:
            json.dump(content, f)

    self.enter_context(mock.patch.object(calls, 'call', call))

  def test_question_and_answer(self):
    notes = {
        'step_%d_%d' % (moment, n): {'x': [moment, n]}
        for moment in (0, 1)
        for n in range(_LOOKS)
    }
    self.answer(
        graph={'keys': ['a', 'b']},
        losses=[4.5, 4.25, 4],
        marked={'w': [1, 2]},
        restored_V1={'w': [3, 4]},
        **notes,
    )
    old = self.old.ask(self.port, self.scratch)
    ((name, what, asked, _),) = self.asked
    self.assertEqual('training', name)
    self.assertEqual('--runtime=0.12.1: a test cannot be trained', what)
    self.assertEqual('global_step', asked['step_key'])
    # Three steps, and the batches compared before and after them.
    self.assertEqual(_LOOKS, asked['looks'])
    with np.load(asked['batches']) as f:
      images, labels = f['images'], f['labels']
    self.assertEqual((3 + 2 * _LOOKS, 128, 24, 24, 3), images.shape)
    self.assertAllEqual(images[_LOOKS:-_LOOKS], [i for i, _ in old.trained_on])
    # The compared batches have 16 images, eight times each.
    for n, distinct in ((0, 16), (_LOOKS, 128), (-1, 16)):
      self.assertLen(np.unique(images[n].reshape(128, -1), axis=0), distinct)
    self.assertAllEqual(images[0][3], images[0][16 * 7 + 3])
    self.assertAllEqual(labels[0][:16], labels[0][-16:])
    looks = list(old.looks())
    self.assertEqual([0, 3], [look.step for look in looks])
    for moment, look in enumerate(looks):
      self.assertEqual(
          os.path.join(asked['out'], 'start-%d' % moment), look.start
      )
      for n, (batch, noted) in enumerate(look.tries):
        self.assertAllEqual(images[moment * -_LOOKS + n], batch[0])
        self.assertAllEqual(labels[moment * -_LOOKS + n], batch[1])
        self.assertAllEqual([moment, n], noted['x'])
    # Both formats are given to be restored, with the same values.
    self.assertCountEqual(['restored-V1', 'restored-V2'], asked['restore'])
    for path in asked['restore'].values():
      reader = tf.train.NewCheckpointReader(path)
      self.assertAllEqual(self.port.marked['w'], reader.get_tensor('w'))
    self.assertEqual(['a', 'b'], old.keys)
    self.assertEqual([4.5, 4.25, 4], old.losses)
    self.assertAllEqual([1, 2], old.marked['w'])
    self.assertAllEqual([3, 4], old.restored('V1', '', {})['w'])
    self.assertEqual(os.path.join(asked['out'], 'marked-V1'), old.saved('V1'))
    side_fixture.write_events(asked['out'], 'first')
    self.assertEqual({'first'}, old.tags)

  def test_failure_there(self):
    failed = mock.Mock(side_effect=errors.UsageError('what it said'))
    self.enter_context(mock.patch.object(calls, 'call', failed))
    with self.assertRaisesRegex(errors.UsageError, 'what it said'):
      self.old.ask(self.port, self.scratch)

  def test_draw(self):
    drawn = {
        'images': np.zeros([2, 24, 24, 3]),
        'labels': [1, 2],
        'brightness': [3.5],
    }
    self.answer(drawn=drawn)
    other = side_fixture.data_dir(self)
    for data_dir in (self.data_dir, other):
      for expected, found in zip(drawn.values(), self.old.draw(data_dir, 1000)):
        self.assertAllEqual(expected, found)
    for (name, what, asked, size), records in zip(self.asked, (200, 2)):
      self.assertEqual('distorted', name)
      self.assertEqual(
          '--runtime=0.12.1: the input of a test cannot be run', what
      )
      self.assertEqual((1000, records * 3073), (asked['count'], size))

  def test_leave(self):
    self.old.directory = self.scratch
    for moment, weights in ((1, [1, 2, 3]), (0, [0, 0, 0])):
      # The other checkpoint must not be used.
      self.port.start({'w': np.array(weights, np.float32)})
      self.port.save('V2', self.old.checkpoint(moment))
    directory = os.path.join(self.scratch, 'left')
    self.assertEqual(directory, self.old.leave(directory, 3))
    side_fixture.check_left(self, directory, [1, 2, 3])
