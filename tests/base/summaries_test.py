"""Summary ops: exact tags, op names and collection as in 2016."""

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_compat.base import summaries


class SummariesTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.enter_context(tf.Graph().as_default())

  def _values(self, summary):
    with self.session() as sess:
      return tf.Summary.FromString(sess.run(summary)).value

  def test_scalar(self):
    with tf.name_scope('scope'):
      summary = summaries.scalar_summary('total_loss (raw)', tf.constant(2.5))
    (value,) = self._values(summary)
    self.assertEqual(('total_loss (raw)', 2.5), (value.tag, value.simple_value))
    self.assertEqual('scope/ScalarSummary', summary.op.name)
    self.assertEqual('scope/ScalarSummary/tags', summary.op.inputs[0].op.name)
    self.assertEqual([summary], tf.get_collection(tf.GraphKeys.SUMMARIES))

  def test_names_count_up(self):
    self.assertEqual(
        ['ScalarSummary', 'ScalarSummary_1'],
        [summaries.scalar_summary('a', 1.0).op.name for _ in range(2)],
    )

  def test_histogram(self):
    summary = summaries.histogram_summary('a b/c', tf.constant([1.0, 3.0]))
    (value,) = self._values(summary)
    self.assertEqual('HistogramSummary', summary.op.name)
    self.assertEqual('a b/c', value.tag)
    self.assertEqual(
        (2, 1.0, 3.0, 4.0),
        (value.histo.num, value.histo.min, value.histo.max, value.histo.sum),
    )

  def test_first_three_images(self):
    summary = summaries.image_summary(
        'images',
        tf.constant(np.random.RandomState(0).randn(5, 6, 7, 3), tf.float32),
    )
    values = self._values(summary)
    self.assertEqual('ImageSummary', summary.op.name)
    self.assertEqual(
        ['images/image/0', 'images/image/1', 'images/image/2'],
        [v.tag for v in values],
    )
    self.assertEqual(
        {(6, 7, 3)},
        {(v.image.height, v.image.width, v.image.colorspace) for v in values},
    )

  def test_queue_tag(self):
    tf.train.string_input_producer(['a'])
    summaries.restore_queue_tag()
    (summary,) = tf.get_collection(tf.GraphKeys.SUMMARIES)
    (value,) = self._values(summary)
    self.assertEqual(
        ('queue/input_producer/fraction_of_32_full', 0.0),
        (value.tag, value.simple_value),
    )

  def test_no_summary_but_that_of_a_queue_is_taken_off(self):
    with self.assertRaisesRegex(ValueError, 'missing'):
      summaries.restore_queue_tag()
    tf.train.string_input_producer(['a'])
    for make, tag, value in (
        (summaries.scalar_summary, 'learning_rate', 0.1),
        (summaries.histogram_summary, 'a/fraction_of_32_full', [0.5]),
    ):
      summary = make(tag, value)
      with self.assertRaisesRegex(ValueError, 'is ' + summary.op.name):
        summaries.restore_queue_tag()
      collected = tf.get_collection(tf.GraphKeys.SUMMARIES)
      self.assertIs(summary, collected[-1])
