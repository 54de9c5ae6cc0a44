"""Descriptions of errors; cells_test runs the complete file."""

import os
import pathlib

from absl.testing import absltest

from tests.tools.editions import old_files

attempt = old_files.load('attempt')


class DescribeTest(absltest.TestCase):

  def describe(self, error, line='', file='cifar10.py'):
    source = self.create_tempdir().full_path
    path = os.path.join(source, file)
    pathlib.Path(path).write_text(line + '\n', encoding='utf-8')
    frames = [
        ('/usr/lib/runpy.py', 1, 'run', ''),
        (path, 1, 'f', line),
        ('/usr/lib/tensorflow/ops.py', 7, 'g', ''),
    ]
    return attempt.describe(error, frames, source)

  def test_names(self):
    for error, line, name in (
        (ImportError('No module named models.image'), '', 'models.image'),
        (ImportError("No module named 'tensorflow.x'"), '', 'tensorflow.x'),
        (ImportError("cannot import name 'gfile'"), '', 'gfile'),
        (ImportError('libx.so: cannot open'), '', None),
        # Python 2 does not report the object.
        (
            AttributeError("'module' object has no attribute 'mul'"),
            '  x = tf.add(tf.nn.mul(a, b), c)',
            'tf.nn.mul',
        ),
        (AttributeError("no attribute 'mul'"), '', 'mul'),
        (TypeError('x'), 'x = tf.concat(0, tf.y)', 'tf.concat'),
        (TypeError('x'), 'x = f(0)', None),
    ):
      self.assertEqual(name, self.describe(error, line)['name'], error)

  def test_place_and_message(self):
    found = self.describe(ValueError('in /home/me/x.py: bad\nand more'))
    self.assertEqual(
        ('ValueError', 'in x.py: bad', 'cifar10.py', 1),
        tuple(found[k] for k in ('type', 'message', 'file', 'line')),
    )
    self.assertLen(self.describe(ValueError('x' * 999))['message'], 200)
    self.assertEqual('', self.describe(ValueError())['message'])

  def test_outside_the_tutorial(self):
    found = attempt.describe(ValueError('x'), [], '/no/such')
    self.assertEqual((None, None), (found['file'], found['line']))

  def test_syntax(self):
    error = SyntaxError("Missing ( in 'print'. Did you mean print('x')?")
    self.assertEqual("Missing ( in 'print'", self.describe(error)['message'])
