"""The choice of an interpreter, and the error if there is none."""

import os
from unittest import mock

from absl.testing import absltest

from cifar10_compat.base import errors
from tests.tools.editions import fake_runtime
from tools.editions import interpreters


class FindTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self.directory = self.create_tempdir().full_path
    self.bins = [os.path.join(self.directory, name) for name in ('a', 'b')]
    self.enter_context(
        mock.patch.dict(
            os.environ,
            PATH=os.pathsep.join(self.bins + [os.environ['PATH']]),
            PYENV_ROOT=os.path.join(self.directory, 'pyenv'),
            # Otherwise an interpreter of this machine could be found.
            HOME=self.directory,
        )
    )

  def find(self, python=None):
    # Of the machine's PATH, only the shell is visible.
    candidates = interpreters.candidates
    with mock.patch.object(
        interpreters,
        'candidates',
        lambda name: [
            p for p in candidates(name) if p.startswith(self.directory)
        ],
    ):
      return interpreters.find(fake_runtime.RUNTIME, python)

  def write(self, *parts, **kwargs):
    path = os.path.join(self.directory, *parts, 'python2.7')
    return fake_runtime.write_interpreter(path, **kwargs)

  def test_first_on_path_that_runs(self):
    # pyenv's names of inactive versions fail so.
    fake_runtime.write_program(
        os.path.join(self.bins[0], 'python2.7'),
        'echo "not found" >&2; exit 127',
    )
    good = self.write('b')
    self.write('pyenv', 'versions', '2.7.18', 'bin')
    self.assertEqual(good, self.find())

  def test_pyenv_if_path_has_none(self):
    good = self.write('pyenv', 'versions', '2.7.18', 'bin')
    self.assertEqual(good, self.find())

  def test_none(self):
    self.write('a', version='3.11')
    self.write('b', wide=False)
    with self.assertRaises(errors.UsageError) as caught:
      self.find()
    message = str(caught.exception)
    for part in (
        'python2.7',
        '0.12.1',
        'pyenv install 2.7.18',
        '--python=FILE',
        'tensorflow/tensorflow:0.12.1',
    ):
      self.assertIn(part, message)

  def test_named(self):
    self.write('a')
    path = self.write('elsewhere')
    self.assertEqual(path, self.find(path))
    for path, problem in (
        (self.write('other', version='3.7'), 'Python 3.7, .* needs 2.7'),
        (self.write('narrow', wide=False), 'ucs4'),
        (os.path.join(self.directory, 'none'), 'No such file'),
        (
            fake_runtime.write_program(
                os.path.join(self.directory, 'broken'), 'echo why >&2; exit 1'
            ),
            r'does not run \(why\)',
        ),
    ):
      with self.assertRaisesRegex(
          errors.UsageError, '--python=%s: .*%s' % (path, problem)
      ):
        self.find(path)
