"""Every entry of the table of bridges, with values computed by hand."""

import glob
import os
import threading
from unittest import mock

import tensorflow.compat.v1 as tf

from cifar10_compat.base import errors
from cifar10_compat.data import download
from tests.tools.editions import historical_fixture
from tools.editions import bridges
from tools.editions import scripts

# From a bridge's old name to a script, and the expected value of its `result`.
VALUES = {
    'from tensorflow.models.image.cifar10 import cifar10': (
        """
        from tensorflow.models.image.cifar10 import cifar10
        result = cifar10.ANSWER
        """,
        42,
    ),
    'tf.mul(x, y)': (
        """
        import tensorflow as tf
        with tf.Session() as sess:
          result = sess.run(tf.mul([3., 5.], 4., name='product')).tolist()
        """,
        [12.0, 20.0],
    ),
    'tf.concat(0, values)': (
        """
        import tensorflow as tf
        x = [[[1, 2]], [[3, 4]]]
        with tf.Session() as sess:
          result = sess.run([tf.concat(0, x), tf.concat(0, x, 'name'),
                             tf.concat(axis=0, values=x),
                             tf.concat(concat_dim=0, values=x),
                             tf.concat(x, 0), tf.concat(x, 0, 'name')])
          result = [y.tolist() for y in result]
        """,
        [[[1, 2], [3, 4]]] * 6,
    ),
    'tf.all_variables()': (
        """
        import tensorflow as tf
        tf.Variable(0, trainable=False, name='x')
        result = [v.op.name for v in tf.all_variables()]
        # tf.compat.v1 has the old name too, with a warning.
        result.append(tf.all_variables is tf.global_variables)
        """,
        ['x', True],
    ),
    'tf.initialize_all_variables()': (
        """
        import tensorflow as tf
        x = tf.Variable(7)
        with tf.Session() as sess:
          sess.run(tf.initialize_all_variables())
          result = [int(sess.run(x)), tf.initialize_all_variables is
                    tf.global_variables_initializer]
        """,
        [7, True],
    ),
    # softmax([ln 3, 0]) is [3/4, 1/4].
    'sparse_softmax_cross_entropy_with_logits(x, y)': (
        """
        import math
        import tensorflow as tf
        f = tf.nn.sparse_softmax_cross_entropy_with_logits
        x = [[math.log(3), 0.]]
        with tf.Session() as sess:
          result = sess.run([f(x, [0], name='a'), f(logits=x, labels=[1])])
          result = [round(math.exp(-y), 6) for y, in result]
        """,
        [0.75, 0.25],
    ),
    'tf.nn.softmax_cross_entropy_with_logits(x, y)': (
        """
        import math
        import tensorflow as tf
        f = tf.nn.softmax_cross_entropy_with_logits
        x = [[math.log(3), 0.]]
        with tf.Session() as sess:
          result = sess.run([f(x, [[1., 0.]]), f(x, [[0., 1.]], name='a')])
          result = [round(math.exp(-y), 6) for y, in result]
        """,
        [0.75, 0.25],
    ),
    # Mean 2, standard deviation 1.
    'tf.image.per_image_whitening(image)': (
        """
        import tensorflow as tf
        with tf.Session() as sess:
          result = sess.run(tf.image.per_image_whitening([[[1.], [3.]]]))
          result = result.tolist()
        """,
        [[[-1.0], [1.0]]],
    ),
    'tf.image.random_crop(image, [24, 24])': (
        """
        import tensorflow as tf
        image = tf.fill([4, 4, 3], 9)
        with tf.Session() as sess:
          result = sess.run(tf.image.random_crop(image, [1, 2])).tolist()
        """,
        [[[9, 9, 9], [9, 9, 9]]],
    ),
    "tf.device('/gpu:N') without a GPU": (
        """
        import tensorflow as tf
        towers = []
        for i in range(2):
          with tf.device('/gpu:%d' % i):
            towers.append(tf.constant(i))
        with tf.Session(config=tf.ConfigProto()) as sess:
          result = sorted(d.name[-5:] for d in sess.list_devices())
          sess.run(towers)
        result += [tower.device[-5:] for tower in towers]
        """,
        ['CPU:0', 'CPU:1', 'CPU:0', 'CPU:1'],
    ),
    'if grad:': (
        """
        import tensorflow as tf
        result = [1 if grad else 0 for grad in (tf.constant(0), None)]
        """,
        [1, 0],
    ),
    # A fifth of the way from 0 to 10, in both towers.
    'ExponentialMovingAverage.apply() while reusing': (
        """
        import tensorflow as tf
        means, updates = [], []
        for i in range(2):
          with tf.name_scope('tower_%d' % i):
            loss = tf.identity(10.)
            average = tf.train.ExponentialMovingAverage(0.8, name='avg')
            updates.append(average.apply([loss]))
            means.append(average.average(loss))
            tf.get_variable_scope().reuse_variables()
        with tf.Session() as sess:
          sess.run(tf.initialize_all_variables())
          sess.run(updates)
          result = ['%s %.3f' % (mean.op.name, sess.run(mean))
                    for mean in means]
        """,
        ['tower_0/Identity/avg 2.000', 'tower_1/Identity/avg 2.000'],
    ),
    "tf.get_variable('global_step', [])": (
        """
        import tensorflow as tf
        step = tf.get_variable('global_step', [], trainable=False,
                               initializer=tf.constant_initializer(0))
        other = tf.get_variable('other', [])
        tf.train.assert_global_step(step)
        result = [step.dtype.base_dtype.name, other.dtype.base_dtype.name]
        """,
        ['int64', 'float32'],
    ),
    'tf.contrib.slim.prefetch_queue.prefetch_queue(x)': (
        """
        import tensorflow as tf
        queue = tf.contrib.slim.prefetch_queue.prefetch_queue(
            [tf.constant([5, 6]), tf.constant(7)], capacity=2)
        values = queue.dequeue()
        sess = tf.Session()
        tf.train.start_queue_runners(sess)
        result = [x.tolist() for x in sess.run(values)]
        result += [x.get_shape().as_list() for x in values]
        """,
        [[5, 6], 7, [2], []],
    ),
}

# From a bridge's old name to its test below.
METHODS = {
    'tf.scalar_summary(tag, x)': 'test_tags',
    'tf.histogram_summary(tag, x)': 'test_tags',
    'tf.image_summary(tag, x)': 'test_tags',
    'tf.merge_summary(inputs)': 'test_tags',
    'tf.merge_all_summaries()': 'test_tags',
    'tf.train.SummaryWriter(logdir, graph_def)': 'test_writers',
    'tf.summary.FileWriter(logdir), never closed': 'test_writers',
    'tf.train.start_queue_runners(sess)': 'test_nothing_keeps_running',
    'tf.Session(), never closed': 'test_nothing_keeps_running',
    'tf.gfile.DeleteRecursively(train_dir)': 'test_directory_is_kept',
    'cifar10.maybe_download_and_extract()': 'test_download',
}


class BridgesTest(historical_fixture.HistoricalTestCase):

  def test_every_bridge_has_a_case(self):
    self.assertCountEqual(
        [bridge.old for bridge in bridges.BRIDGES], list(VALUES) + list(METHODS)
    )
    for name in METHODS.values():
      self.assertTrue(hasattr(self, name), name)

  def test_values(self):
    for old, (text, expected) in VALUES.items():
      with self.subTest(old):
        if 'GPU' in old and tf.config.list_physical_devices('GPU'):
          continue  # No bridge applies there.
        self.assertEqual(expected, self.run_script(text)['result'])

  def test_tags(self):
    names = self.run_script("""
        import tensorflow as tf
        with tf.name_scope('scope'):
          a = tf.scalar_summary('loss (raw)', 1.5)
          b = tf.histogram_summary('h/h', [1., 2.])
          c = tf.image_summary('images', tf.zeros([1, 2, 2, 3]))
        with tf.Session() as sess:
          some = sess.run(tf.merge_summary([b, a]))
          everything = sess.run(tf.merge_all_summaries())
        """)

    def tags(serialized):
      return [v.tag for v in tf.Summary.FromString(serialized).value]

    self.assertEqual(['h/h', 'loss (raw)'], tags(names['some']))
    self.assertEqual(
        ['loss (raw)', 'h/h', 'images/image/0'], tags(names['everything'])
    )

  def test_writers(self):
    for name, graph in (
        ('tf.train.SummaryWriter', 'graph_def=g.as_graph_def()'),
        ('tf.train.SummaryWriter', 'g.as_graph_def()'),
        ('tf.train.SummaryWriter', 'g'),
        ('tf.summary.FileWriter', 'g'),
    ):
      logdir = self.create_tempdir().full_path
      self.run_script("""
          import tensorflow as tf
          g = tf.get_default_graph()
          tf.constant(1, name='one')
          writer = %s(%r, %s)
          summary = tf.Summary()
          summary.value.add(tag='tag', simple_value=0.5)
          writer.add_summary(summary, 3)
          """ % (name, logdir, graph))
      (path,) = glob.glob(os.path.join(logdir, 'events*'))
      events = list(tf.train.summary_iterator(path))
      (graph,) = [
          tf.GraphDef.FromString(e.graph_def) for e in events if e.graph_def
      ]
      self.assertEqual(['one'], [node.name for node in graph.node])
      self.assertEqual(
          [(3, 'tag', 0.5)],
          [
              (e.step, v.tag, v.simple_value)
              for e in events
              for v in e.summary.value
          ],
      )

  def test_nothing_keeps_running(self):
    before = set(threading.enumerate())
    sess = self.run_script("""
        import tensorflow as tf
        queue = tf.train.string_input_producer(['a', 'b'])
        _, x = tf.train.shuffle_batch([queue.dequeue(), 1], 2, capacity=9,
                                      min_after_dequeue=3, num_threads=4)
        sess = tf.Session()
        sess.run(tf.initialize_all_variables())
        tf.train.start_queue_runners(sess=sess)
        sess.run(x)
        """)['sess']
    self.assertEmpty(
        [t for t in set(threading.enumerate()) - before if t.is_alive()]
    )
    with self.assertRaisesRegex(RuntimeError, 'closed'):
      sess.run('x:0')

  def test_directory_is_kept(self):
    train_dir = self.create_tempdir().full_path
    for line in (
        'import tensorflow as tf; gfile = tf.gfile',
        'from tensorflow.python.platform import gfile',
    ):
      with self.assertRaisesRegex(
          errors.UsageError, train_dir + ' exists and cifar10_train would'
      ):
        self.run_script(
            '%s\nif gfile.Exists(%r): gfile.DeleteRecursively(%r)'
            % (line, train_dir, train_dir)
        )
      self.assertTrue(os.path.isdir(train_dir))

  def test_download(self):
    data_dir = self.create_tempdir().full_path
    self.write(
        'cifar10.py',
        """
        class FLAGS:
          data_dir = %r
        def maybe_download_and_extract():
          raise RuntimeError('the old download')
        """ % data_dir,
    )
    text = 'import cifar10; cifar10.maybe_download_and_extract()'
    with mock.patch.object(download, 'maybe_download_and_extract') as fetched:
      with self.assertRaisesRegex(errors.DataError, 'data_batch_1.bin'):
        self.run_script(text, historical_fixture.FLAT)
    fetched.assert_called_once_with(data_dir)
    directory = os.path.join(data_dir, 'cifar-10-batches-bin')
    os.mkdir(directory)
    for name in ['data_batch_%d' % i for i in range(1, 6)] + ['test_batch']:
      with open(os.path.join(directory, name + '.bin'), 'wb') as f:
        f.write(b'\x01' * 3073)
    # Nothing is left to download.
    self.run_script(text, historical_fixture.FLAT)

  def test_truth_is_for_the_scripts_lines_only(self):
    names = self.run_script("""
        import tensorflow as tf
        names = {}
        exec(compile('def f(x): return not x', '/elsewhere.py', 'exec'), names)
        tensor = tf.constant(1)
        try:
          result = names['f'](tensor)
        except TypeError:
          result = 'refused'
        """)
    self.assertEqual('refused', names['result'])
    with self.assertRaises(TypeError):
      bool(names['tensor'])

  def test_says_once_where_towers_run(self):
    self.write(
        'cifar10_train.py',
        """
        import tensorflow as tf
        for i in range(3):
          tf.device('/gpu:%d' % i)
        """,
    )
    with mock.patch('builtins.print') as output:
      scripts.run(
          self.source, 'cifar10_train', flags=[], edition=historical_fixture.OLD
      )
    lines = [call.args[0] for call in output.call_args_list]
    self.assertEqual('historical: cifar10_train of a test', lines[0])
    if not tf.config.list_physical_devices('GPU'):
      self.assertLen(lines, 2)
      self.assertIn('CPU', lines[1])
