"""Selects the environment variables for a process that runs another Python."""

import os

# Variables that any program may need.
_KEPT = (
    'HOME',
    'LANG',
    'LD_LIBRARY_PATH',
    'LOGNAME',
    'PATH',
    'TERM',
    'TMPDIR',
    'TZ',
    'USER',
)
# Certificates and proxies, which pip also needs to reach an index.
_FOR_PIP = ('SSL_CERT_DIR', 'SSL_CERT_FILE', 'REQUESTS_CA_BUNDLE')
_PROXIES = ('http_proxy', 'https_proxy', 'all_proxy', 'no_proxy')
# pip settings that change the target directory or the requirements files.
_NOT_FOR_PIP = (
    'PIP_CONSTRAINT',
    'PIP_PREFIX',
    'PIP_PYTHON',
    'PIP_REQUIREMENT',
    'PIP_ROOT',
    'PIP_TARGET',
    'PIP_USER',
)


def environment(pip=False):
  """Returns the environment variables for a process that runs another Python.

  Variables that select a Python, an import path or a TensorFlow option are
  omitted.

  Args:
    pip: bool, whether the process installs packages.

  Returns:
    dict from str to str.
  """

  def kept(name):
    if name in _KEPT or name.startswith('LC_'):
      return True
    return pip and (
        name in _FOR_PIP
        or name.lower() in _PROXIES
        or (name.startswith('PIP_') and name not in _NOT_FOR_PIP)
    )

  found = {name: value for name, value in os.environ.items() if kept(name)}
  found['PYTHONNOUSERSITE'] = '1'
  found['PYTHONDONTWRITEBYTECODE'] = '1'
  if pip:
    found['PIP_DISABLE_PIP_VERSION_CHECK'] = '1'
    found['PIP_NO_PYTHON_VERSION_WARNING'] = '1'
  return found
