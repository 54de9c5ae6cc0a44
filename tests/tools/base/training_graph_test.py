"""MetaGraphDefs that name their parts, and sessions on them."""

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_compat.base import errors
from tests.helpers import record_fixture
from tests.helpers import small_training
from tools.base import training_graph


class SmallTrainingTest(tf.test.TestCase):

  def test_parts(self):
    with training_graph.Training(small_training.meta_graph()) as training:
      self.assertEqual(
          ['images:0', 'labels:0', 'loss:0', 'train'],
          [
              part.name
              for part in (
                  training.images,
                  training.labels,
                  training.loss,
                  training.train_op,
              )
          ],
      )
      self.assertEqual(
          ['global_step', 'w', 'w/ExponentialMovingAverage'],
          sorted(training.variables),
      )
      self.assertEqual(['w'], list(training.gradients))
      self.assertEqual({'w': 'w/ExponentialMovingAverage'}, training.shadows)
      self.assertEqual('global_step', training.step_key)

  def test_load_and_read(self):
    values = {
        'global_step': 7,
        'w': np.arange(3, dtype=np.float32),
        'w/ExponentialMovingAverage': np.ones(3, np.float32),
    }
    with training_graph.Training(small_training.meta_graph()) as training:
      training.load(values)
      read = training.read()
    self.assertCountEqual(values, read)
    for key in values:
      self.assertAllEqual(values[key], read[key])

  def test_order_of_averaging(self):
    for after in (False, True):
      meta_graph = small_training.meta_graph(after=after)
      with training_graph.Training(meta_graph) as training:
        self.assertEqual(after, training.averaged_after_update)

  def test_bad_graphs(self):
    with self.assertRaisesRegex(errors.UsageError, 'training_graph/images'):
      training_graph.Training(tf.MetaGraphDef())
    meta_graph = small_training.meta_graph(step_type=tf.float32)
    with self.assertRaisesRegex(errors.UsageError, '0 integer variables'):
      training_graph.Training(meta_graph)


class OursTest(tf.test.TestCase):

  def test_training_graph_of_the_port(self):
    data_dir = self.create_tempdir().full_path
    record_fixture.write_batches(data_dir, *record_fixture.random_images(2))
    meta_graph = training_graph.ours(data_dir)
    self.assertNotEmpty(meta_graph.saver_def.save_tensor_name)
    with training_graph.Training(meta_graph) as training:
      self.assertEqual([128, 24, 24, 3], training.images.shape.as_list())
      self.assertEqual([128], training.labels.shape.as_list())
      self.assertEqual([], training.loss.shape.as_list())
      self.assertEqual('train', training.train_op.name)
      self.assertLen(training.variables, 25)
      self.assertLen(training.shadows, 10)
      self.assertEqual('global_step', training.step_key)
      self.assertFalse(training.averaged_after_update)

  def test_initial_values_depend_on_the_seed(self):
    first, again, other = (
        training_graph.initial_values(seed) for seed in (1, 1, 2)
    )
    self.assertLen(first, 10)
    for key in first:
      self.assertAllEqual(first[key], again[key])
    self.assertNotAllEqual(first['conv1/weights'], other['conv1/weights'])
