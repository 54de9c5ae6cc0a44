"""Outlines of small sources, and comparisons of two outlines."""

import os
import textwrap

from absl.testing import absltest
from absl.testing import parameterized

from cifar10_compat.base import errors
from tools.parity import outline


def _calls(body):
  """Returns the calls of a function with this body."""
  text = 'def f(x):\n' + textwrap.indent(textwrap.dedent(body), '  ')
  return outline.outlines(text)['f']


class OutlinesTest(parameterized.TestCase):

  def test_functions_at_the_top_level_in_their_order(self):
    text = """
      @decorated(1)
      def second(x=default()):
        a.b()

      before()

      class Third:
        def method(self):
          c()

      def first():
        pass
    """
    self.assertEqual(
        [('second', ['.b']), ('first', [])],
        list(outline.outlines(textwrap.dedent(text)).items()),
    )

  def test_arguments_come_before_the_call_that_takes_them(self):
    self.assertEqual(
        ['tf.matmul', 'tf.add', 'tf.nn.relu', 'third'],
        _calls("""
          y = tf.nn.relu(tf.add(tf.matmul(x, x), x), name=scope.name)
          third()
        """),
    )

  def test_nested_classes_and_functions_belong_to_the_function(self):
    self.assertEqual(
        ['tf.Graph', 'tf.train.SessionRunArgs', 'sorted', 'Hook', '.run'],
        _calls("""
          with tf.Graph:
            tf.Graph()
            class Hook(tf.train.SessionRunHook):
              def before_run(self, context):
                return tf.train.SessionRunArgs(loss)
            def key(values):
              return [lambda: sorted(values)]
            sess.run(Hook())
        """),
    )

  @parameterized.parameters(
      ('tf.mul(x, 2)', 'tf.multiply'),
      ('tf.pack(x)', 'tf.stack'),
      ('tf.all_variables()', 'tf.global_variables'),
      ('tf.merge_all_summaries()', 'tf.summary.merge_all'),
      ('tf.image.per_image_whitening(x)', 'tf.image.per_image_standardization'),
      ('xrange(2)', 'range'),
      ('tf.gfile.Exists(x)', 'exists'),
      ('os.path.exists(x)', 'exists'),
      ('os.makedirs(x)', 'makedirs'),
      # Other names of these modules stay as they are.
      ('tf.multiply(x, 2)', 'tf.multiply'),
      ('os.path.join(x)', 'os.path.join'),
      ('np.sum(x)', 'np.sum'),
      ('re.sub(x)', 're.sub'),
      ('helper(x)', 'helper'),
  )
  def test_names(self, source, name):
    self.assertEqual([name], _calls(source))

  @parameterized.parameters('scalar', 'histogram', 'image')
  def test_summaries(self, kind):
    for prefix in (
        'tf.%s_summary',
        'tf.summary.%s',
        'summaries.%s_summary',
        'tf.contrib.deprecated.%s_summary',
    ):
      self.assertEqual([kind + '_summary'], _calls(prefix % kind + '(x)'))
    self.assertEqual(['tf.summary.merge'], _calls('tf.summary.merge(x)'))

  def test_the_variable_that_holds_an_object_does_not_count(self):
    for holder in ('sess', 'mon_sess', 'self.session'):
      self.assertEqual(['.run'], _calls(holder + '.run(x)'))

  def test_method_of_a_result(self):
    self.assertEqual(
        ['.get_shape', 'as_list'], _calls('x.get_shape().as_list()')
    )
    self.assertEmpty(_calls('f[0](x)'))

  def test_ignored_names(self):
    self.assertEqual(
        ['range', '.len', '.float32'],
        _calls("""
          print(len(x), str(x), int(x), float(x), max(x), min(x))
          tuple(list(dict(range(x))))
          isinstance(x, super(x))
          x.len(x)
          np.float32
          x.float32(x)
        """),
    )

  def test_print_of_python_2(self):
    self.assertEqual(
        ['.now', 'after'],
        _calls("""
          print ('%s: step %d' %
                 (datetime.now(), x))
          after()
        """),
    )
    self.assertEqual(
        ['.now', 'inner', 'after'],
        _calls("""
          print 'step', x, datetime.now()
          if x:
            print
            print inner(x),
          after()
        """),
    )


class CompareTest(absltest.TestCase):

  def test_missing_and_added(self):
    found = outline.compare(
        {'f': ['a', 'b', 'c', 'd'], 'g': ['a']},
        {'own': ['x'], 'f': ['a', 'x', 'c', 'y', 'z'], 'g': ['a']},
    )
    self.assertEqual(['f', 'g'], list(found))
    self.assertEqual(
        outline.Comparison(4, ['b', 'd'], ['x', 'y', 'z'], True), found['f']
    )
    self.assertEqual(2, found['f'].kept)
    self.assertEqual(outline.Comparison(1, [], [], True), found['g'])

  def test_order_counts(self):
    found = outline.compare(
        {'f': ['a', 'b', 'c', 'd']}, {'f': ['d', 'a', 'b', 'c']}
    )
    self.assertEqual(3, found['f'].kept)
    self.assertEqual((['d'], ['d']), (found['f'].missing, found['f'].added))

  def test_each_call_counts_once(self):
    found = outline.compare({'f': ['a'] * 5}, {'f': ['a'] * 3})
    self.assertEqual((3, ['a', 'a'], []), (found['f'].kept, *found['f'][1:3]))

  def test_many_equal_calls_are_not_junk(self):
    # From 200 elements on, difflib would ignore frequent ones.
    calls = ['a', 'b'] * 150
    self.assertEqual(300, outline.compare({'f': calls}, {'f': calls})['f'].kept)

  def test_function_that_the_port_lacks(self):
    found = outline.compare({'f': ['a'], 'g': []}, {'g': []})
    self.assertEqual(outline.Comparison(1, ['a'], [], False), found['f'])
    self.assertTrue(found['g'].in_port)


class ReadTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self.source = self.create_tempdir().full_path
    for name in outline.FILES:
      self.write(name, 'def main():\n  run(%r)\n' % name)

  def write(self, name, text):
    with open(os.path.join(self.source, name), 'w') as f:
      f.write(text)

  def test_five_files(self):
    self.write('cifar10_train.py', 'def train():\n  pass\n')
    found = outline.read(self.source)
    self.assertEqual(outline.FILES, tuple(found))
    self.assertEqual({'train': []}, found['cifar10_train.py'])
    self.assertEqual({'main': ['run']}, found['cifar10_eval.py'])

  def test_port(self):
    self.assertIn('inference', outline.read(outline.PORT)['cifar10.py'])

  def test_bad_files(self):
    self.write('cifar10_input.py', 'def main(:\n')
    with self.assertRaisesRegex(
        errors.UsageError, r'cifar10_input\.py cannot be parsed'
    ):
      outline.read(self.source)
    os.remove(os.path.join(self.source, 'cifar10_input.py'))
    with self.assertRaisesRegex(
        errors.UsageError, r'cifar10_input\.py cannot be read \(No such file'
    ):
      outline.read(self.source)
