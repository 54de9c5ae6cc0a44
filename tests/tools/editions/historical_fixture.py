"""Small scripts in the tutorial's old style, run with bridges."""

import os
import pathlib
import textwrap
from unittest import mock

import tensorflow.compat.v1 as tf

from tools.editions import scripts

OLD = scripts.Edition('a test', '', 'tensorflow.models.image.cifar10', '')
FLAT = OLD._replace(package='')


class HistoricalTestCase(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.source = self.create_tempdir().full_path
    self.write('cifar10.py', 'ANSWER = 42')

  def write(self, name, text):
    path = os.path.join(self.source, name)
    pathlib.Path(path).write_text(textwrap.dedent(text))
    return path

  def run_script(self, text, edition=OLD, argv=()):
    """Runs a cifar10_train.py with this text; returns its global names."""
    self.write('cifar10_train.py', text)
    with mock.patch('sys.stderr'), tf.Graph().as_default():
      return scripts.run(
          self.source, 'cifar10_train', flags=argv, edition=edition
      )
