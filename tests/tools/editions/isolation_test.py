"""The environment variables of a process of another Python."""

import os
import subprocess
from unittest import mock

from absl.testing import absltest

from tools.editions import isolation

_OURS = {
    'PYTHONPATH': '/ours',
    'PYTHONHOME': '/ours',
    'PYTHONSTARTUP': '/ours.py',
    'PYTHONSAFEPATH': '1',
    'VIRTUAL_ENV': '/ours',
    'PYENV_VERSION': '3.11',
    'TF_ENABLE_ONEDNN_OPTS': '0',
    'LD_PRELOAD': '',
    'PIP_TARGET': '/ours',
    'PIP_INDEX_URL': 'https://index.invalid',
    'HTTPS_PROXY': 'https://proxy.invalid',
    'LC_ALL': 'C',
}


class EnvironmentTest(absltest.TestCase):

  def seen(self, **kwargs):
    """Returns the environment variables of a process, a dict."""
    with mock.patch.dict(os.environ, _OURS):
      lines = subprocess.run(
          ['env'],
          env=isolation.environment(**kwargs),
          stdout=subprocess.PIPE,
          text=True,
          check=True,
      ).stdout.splitlines()
    return dict(line.split('=', 1) for line in lines if '=' in line)

  def test_no_python_variables(self):
    seen = self.seen()
    self.assertEqual({'LC_ALL'}, set(_OURS) & set(seen))
    self.assertEqual(os.environ['PATH'], seen['PATH'])
    self.assertEqual('1', seen['PYTHONNOUSERSITE'])

  def test_pip_reaches_its_index(self):
    seen = self.seen(pip=True)
    self.assertEqual(
        {'LC_ALL', 'HTTPS_PROXY', 'PIP_INDEX_URL'}, set(_OURS) & set(seen)
    )
