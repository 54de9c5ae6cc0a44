"""The bridges that an edition needs, and the old name that each supplies."""

import contextlib
import importlib
import io
import os
import sys
import types
from unittest import mock

from absl.testing import absltest

from tests.tools.editions import old_files

edition = old_files.load('edition')


class Tensor(object):
  """The Tensor of a TensorFlow in which a tensor is always true."""


class RefusingTensor(object):

  def __bool__(self):
    raise TypeError('not allowed')


def old(version='0.12.1', **names):
  """Returns a module like tensorflow with these names."""
  tf = types.ModuleType('tensorflow')
  tf.__file__ = '/no/such/tensorflow/__init__.py'
  tf.__version__ = version
  tf.Tensor = RefusingTensor
  tf.GraphDef = dict
  for part in ('image', 'nn', 'summary', 'train'):
    setattr(tf, part, types.SimpleNamespace())
  for name, value in names.items():
    setattr(tf, name, value)
  return tf


class NeededTest(absltest.TestCase):

  def names(self, tf, text):
    return [bridge.old for bridge in edition.needed(tf, [text])]

  def test_used_and_rejected(self):
    whitening = 'x = tf.image.per_image_whitening(y)\n'
    name = 'tf.image.per_image_whitening'
    tf = old()
    self.assertEqual([name], self.names(tf, whitening))
    # It exists; it is unused; it is used in a comment only.
    self.assertEmpty(self.names(tf, 'tf.image.per_image_standardization(y)'))
    self.assertEmpty(self.names(tf, '# ' + whitening))
    tf.image.per_image_whitening = id
    self.assertEmpty(self.names(tf, whitening))

  def test_truth(self):
    text = 'for grad, var in grads:\n    if grad:\n      f(grad)\n'
    self.assertEqual(['if grad:'], self.names(old(), text))
    self.assertEmpty(self.names(old(), text.replace(':', ' is not None:')))
    # Before 0.8.
    self.assertEmpty(self.names(old(Tensor=Tensor), text))

  def test_order_of_arguments(self):
    for text, count in (
        ('tf.concat(0, x)', 1),
        ('tf.concat(axis=0, values=x)', 0),
        ('tf.nn.softmax_cross_entropy_with_logits(\n    logits, labels)', 1),
        ('tf.nn.softmax_cross_entropy_with_logits(\n  labels=x, logits=y)', 0),
        ('tf.nn.sparse_softmax_cross_entropy_with_logits(\n  x, y)', 1),
    ):
      self.assertLen(self.names(old('1.15.5'), text), count, text)
      self.assertEmpty(self.names(old('0.12.1'), text), text)

  def test_package(self):
    text = 'from tensorflow.models.image.cifar10 import cifar10'
    directory = self.create_tempdir().full_path
    tf = old()
    tf.__file__ = os.path.join(directory, '__init__.py')
    self.assertEqual(
        ['from tensorflow.models.image.cifar10 import cifar10'],
        self.names(tf, text),
    )
    os.makedirs(os.path.join(directory, 'models', 'image', 'cifar10'))
    self.assertEmpty(self.names(tf, text))


class LayTest(absltest.TestCase):

  def lay(self, tf, name):
    """Applies the bridge with this old name."""
    (bridge,) = [b for b in edition.BRIDGES if b.old == name]
    self.assertTrue(bridge.refused(tf))
    bridge.lay(tf, '/source')

  def test_renamed(self):
    tf = old()
    tf.multiply = tf.image.per_image_standardization = tf.summary.merge = id
    tf.summary.merge_all = len
    for name in ('mul', 'image.per_image_whitening', 'merge_summary'):
      self.lay(tf, 'tf.' + name)
      self.assertIs(id, edition._get(tf, name))
    self.lay(tf, 'tf.merge_all_summaries')
    self.assertIs(len, tf.merge_all_summaries)

  def test_orders(self):
    tf = old('1.15.5')
    tf.concat = lambda values, axis, name='concat': (values, axis, name)
    tf.nn.softmax_cross_entropy_with_logits = lambda **kwargs: kwargs
    self.lay(tf, 'tf.concat(0, values)')
    self.assertEqual(([1, 2], 0, 'concat'), tf.concat(0, [1, 2]))
    self.lay(tf, 'tf.nn.softmax_cross_entropy_with_logits(x, y)')
    self.assertEqual(
        {'logits': 'l', 'labels': 'y', 'name': 'n'},
        tf.nn.softmax_cross_entropy_with_logits('l', 'y', name='n'),
    )

  def test_random_crop(self):
    tf = old()
    # A symbol that crops along every dimension.
    tf.image.random_crop = None
    tf.random_crop = lambda image, size, seed, name: size
    image = mock.Mock()
    image.get_shape.return_value = [32, 32, types.SimpleNamespace(value=3)]
    self.lay(tf, 'tf.image.random_crop(image, [24, 24])')
    self.assertEqual([24, 24, 3], tf.image.random_crop(image, [24, 24]))

  def test_strides(self):
    tf = old()
    tf.strided_slice = lambda x, begin, end, strides: (begin, end, strides)
    self.lay(tf, 'tf.strided_slice(x, begin, end)')
    self.assertEqual(
        ([0, 2], [1, 4], [1, 1]), tf.strided_slice(3, [0, 2], [1, 4])
    )

  def test_summary_writer(self):
    tf = old()
    tf.summary.FileWriter = lambda *args, **kwargs: (args, kwargs)
    self.lay(tf, 'tf.train.SummaryWriter(logdir, graph_def)')
    graph_def = tf.GraphDef()
    self.assertEqual(
        (('d', None), {'graph_def': graph_def}),
        tf.train.SummaryWriter('d', graph_def=graph_def),
    )
    self.assertEqual((('d', 'graph'), {}), tf.train.SummaryWriter('d', 'graph'))

  def test_truth_in_the_source_alone(self):
    tf = old()
    self.lay(tf, 'if grad:')
    code = 'answer = bool(tensor)'
    names = {'tensor': RefusingTensor()}
    exec(compile(code, '/source/cifar10.py', 'exec'), names)
    self.assertIs(True, names['answer'])
    with self.assertRaises(TypeError):
      exec(compile(code, '/elsewhere/cifar10.py', 'exec'), names)

  def test_says_which(self):
    source = self.create_tempdir().full_path
    for name, text in (
        ('cifar10_train.py', 'x = 1\n'),
        ('cifar10.py', 'tf.mul(x, y)\n'),
        ('cifar10_input.py', 'tf.image.per_image_whitening(x)\n'),
        ('cifar10_input_test.py', ''),
    ):
      with open(os.path.join(source, name), 'w', encoding='utf-8') as f:
        f.write(text)
    for script, said in (
        ('cifar10_train', 'needs 2 bridges:\n'),
        # It does not load cifar10.py.
        ('cifar10_input_test', 'needs 1 bridge:\n'),
    ):
      tf = old(multiply=id)
      tf.image.per_image_standardization = id
      with contextlib.redirect_stderr(io.StringIO()) as stderr:
        edition.lay(tf, source, script)
      self.assertIn(said, stderr.getvalue())
      self.assertIn(
          'tf.image.per_image_whitening -> tf.image.per_image_standardization',
          stderr.getvalue(),
      )
    tf.mul = id
    with contextlib.redirect_stderr(io.StringIO()) as stderr:
      self.assertEmpty(edition.lay(tf, source, 'cifar10_train'))
    self.assertEndsWith(stderr.getvalue(), ' needs no bridge\n')


class ScriptsTensorflowTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self.enter_context(mock.patch.dict(sys.modules))

  def test_before_2(self):
    tf = old('1.15.5')
    self.assertIs(tf, edition.scripts_tensorflow(tf))

  def test_since_2(self):
    tf = old('2.0.4')
    tf.__path__ = ['/no/such/tensorflow']
    tf.compat = types.SimpleNamespace(v1=old('2.0.4', mul=id))
    tf.compat.v1.disable_v2_behavior = mock.Mock()
    sys.modules['tensorflow.python'] = types.ModuleType('tensorflow.python')
    found = edition.scripts_tensorflow(tf)
    self.assertIs(found, sys.modules['tensorflow'])
    self.assertIs(id, found.mul)
    self.assertEqual(
        (tf.__path__, tf.__file__), (found.__path__, found.__file__)
    )
    # Bridges are invisible through tf itself.
    (bridge,) = edition.needed(found, ['import tensorflow as tf\n'])
    bridge.lay(found, '/source')
    tf.compat.v1.disable_v2_behavior.assert_called_once_with()
    self.assertFalse(hasattr(tf, 'mul'))


class PlaceTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self.enter_context(mock.patch.dict(sys.modules))
    self.enter_context(mock.patch.object(sys, 'path', sys.path[:]))
    self.source = self.create_tempdir().full_path
    with open(
        os.path.join(self.source, 'placed.py'), 'w', encoding='utf-8'
    ) as f:
      f.write('ANSWER = 42\n')

  def test_no_package(self):
    edition.place(self.source, '')
    self.assertEqual(42, importlib.import_module('placed').ANSWER)

  def test_package(self):
    top = types.ModuleType('old_top')
    top.__file__ = '/no/such/old_top/__init__.py'
    top.__path__ = []
    sys.modules['old_top'] = top
    edition.place(self.source, 'old_top.models.cifar10')
    self.assertEqual(
        42, importlib.import_module('old_top.models.cifar10.placed').ANSWER
    )
    self.assertEqual(self.source, top.models.cifar10.__path__[0])

  def test_bundled_edition_place(self):
    top = types.ModuleType('old_top')
    top.__file__ = os.path.join(self.source, '__init__.py')
    sys.modules['old_top'] = top
    edition.place(os.path.join(self.source, 'models'), 'old_top.models')
    self.assertNotIn('old_top.models', sys.modules)
