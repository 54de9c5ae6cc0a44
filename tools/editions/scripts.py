r"""Runs the unmodified CIFAR-10 tutorial of 2016 on today's TensorFlow.

  historical --source=DIR [--module=ours] SCRIPT [the script's own flags]
  historical --runtime=VERSION [--source=DIR] SCRIPT [the script's own flags]
  historical --list

For example:

  historical --source=tensorflow/models/image/cifar10 cifar10_train \
      --data_dir=/tmp/cifar10_data --train_dir=/tmp/cifar10_train --max_steps=20

DIR is the tutorial's directory in a checkout of one of the editions below.  The
program only reads the files: it bridges old names in its process while the
script runs (bridges.py).  With --runtime, the scripts run on an old TensorFlow
in a separate process (old_scripts.py).
"""

# Import first: TensorFlow reads its log levels at load time.
from cifar10_compat.base import quiet  # noqa: F401  # isort: skip

import argparse
import contextlib
import hashlib
import importlib
import os
import pathlib
import runpy
import sys
from typing import NamedTuple

import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10_input
from cifar10_compat.base import errors
from cifar10_compat.base import paths

from ..base import command_line
from ..base import text_tables
from . import bridges
from . import environments
from . import old_scripts
from . import runtimes

SCRIPTS = (
    'cifar10_train',
    'cifar10_eval',
    'cifar10_multi_gpu_train',
    'cifar10_input_test',
)
# The files of an edition, in the order in which their contents are hashed.
_FILES = ('cifar10.py', 'cifar10_input.py') + tuple(
    script + '.py' for script in SCRIPTS
)


class Edition(NamedTuple):
  """A known version of the tutorial's files."""

  name: str
  sha256: str  # of the concatenated _FILES
  # the package that the scripts import from; '' for "import cifar10"
  package: str
  tried: str  # the scripts that were tested with the bridges
  python2: bool = False  # whether the edition needs Python 2


_OLD = 'tensorflow.models.image.cifar10'
_ALL = 'all four scripts (20 steps; two towers, on CPU devices)'
EDITIONS = (
    Edition(
        'tensorflow 0.5.0',
        '9e4074a849d2e7879999e1f7b2e6fd3f447b1b509cec9f76f3e5921d4befe953',
        _OLD,
        'only with --runtime=0.12.1, because it is written in Python 2',
        python2=True,
    ),
    Edition(
        'tensorflow v0.6.0',
        'f95a0794125de1f643b29ad1e4df1d405719aae66f3845bf63f84c877a18f1c1',
        _OLD,
        _ALL,
    ),
    Edition(
        'tensorflow v0.7.0 and v0.7.1',
        'ba343258dfb3e56e6660235ae53c497414463889e61340f43c4c816dfefccbd4',
        _OLD,
        _ALL,
    ),
    Edition(
        'tensorflow v0.8.0',
        '7463c633edf193f926a93757042484aefd27f23361ef4b5010298fe21d0da0f1',
        _OLD,
        _ALL,
    ),
    Edition(
        'tensorflow v0.9.0',
        '0d17089cb6b91aa9f913a03ddbae359c6290b2d2b15f78252d1406f194450867',
        _OLD,
        _ALL,
    ),
    Edition(
        'tensorflow 0.12.1',
        'ee6b589f79bf0beefb7bdbbf6622b85ac66e15e5d8ab7deef94df627dbb781a2',
        _OLD,
        _ALL,
    ),
    Edition(
        'tensorflow/models v1.4.0',
        '13dffbb744abe82c230b0fc32d3c00f2058446b3c75efda0911f908e5e91913f',
        '',
        _ALL,
    ),
    Edition(
        'tensorflow/models v.1.6.0',
        '9ab7cae303cc2c52a4617ef6d68733e9ecd88f37a25bd0ec365ffc0c5dd6d13c',
        '',
        _ALL,
    ),
    Edition(
        'tensorflow/models v1.7.0',
        '27da0c2a5dfc07b99bfe8742a9db3d013a7b866e49be65b0104c96911bc4887e',
        '',
        _ALL,
    ),
    Edition(
        'tensorflow/models v1.8.0',
        '4dc8a7c550e17386363fe100da2af82cfe2989a8952d7010aa9a9a4e90de0a20',
        '',
        _ALL,
    ),
    Edition(
        'tensorflow/models v1.9.0',
        'fe37d3cdf8ba8cf94d10cbcac98cb1c9eddd47f09f75428012e34103ec5e2bfa',
        '',
        _ALL,
    ),
    Edition(
        'tensorflow/models v1.10.0 and v1.11',
        '090fe4b9f92aba59a8d8d78db9d36d5750063aa17bf3dd842eb876ed4ab27990',
        '',
        _ALL,
    ),
    Edition(
        'tensorflow/models v1.12.0 and v1.13.0',
        '5a4b8dd6ccc744f11c5be8c7d27c24c4c820f96fa69c5ec0311ef18be0150267',
        '',
        _ALL,
    ),
)


def find_edition(source, editions=EDITIONS):
  """Returns the Edition of the files in a directory.

  Args:
    source: str, a directory.
    editions: sequence of the known Editions.

  Raises:
    UsageError: the directory is missing, is not the tutorial, is incomplete, or
      contains an unknown edition.
  """
  if not os.path.isdir(source):
    raise errors.UsageError('--source=%s is not a directory' % source)
  missing = [f for f in _FILES if not os.path.isfile(os.path.join(source, f))]
  if 'cifar10.py' in missing:
    raise errors.UsageError(
        '--source=%s is not the tutorial: it has no cifar10.py; use the '
        'directory tensorflow/models/image/cifar10 of tensorflow v0.7.0 or '
        'tutorials/image/cifar10 of tensorflow/models v1.13.0' % source
    )
  if missing:
    raise errors.UsageError(
        '--source=%s lacks %s: the directory must contain all files of an '
        'edition' % (source, ', '.join(missing))
    )
  digest = hashlib.sha256()
  for name in _FILES:
    digest.update(pathlib.Path(source, name).read_bytes())
  for edition in editions:
    if edition.sha256 == digest.hexdigest():
      return edition
  raise errors.UsageError(
      '--source=%s contains an unknown or modified edition; use the unmodified '
      'files of one of %s'
      % (source, ', '.join(edition.name for edition in editions))
  )


@contextlib.contextmanager
def _replaced(modules, argv, source):
  """Context in which imports find `modules` and the script's directory."""
  before = dict(sys.modules)
  old_argv, old_path = sys.argv, sys.path[:]
  old_write = sys.dont_write_bytecode
  sys.modules.update(modules)
  sys.argv = argv
  sys.path.insert(0, source)
  sys.dont_write_bytecode = True  # Write no bytecode into the source directory.
  try:
    yield
  finally:
    sys.dont_write_bytecode = old_write
    sys.path[:] = old_path
    sys.argv = old_argv
    # The next script can belong to another edition, and must not find the
    # modules that this script imported from its own directory.
    imported = [
        name
        for name in sys.modules
        if name.startswith(_OLD)
        or (name.startswith('cifar10') and '.' not in name)
    ]
    for name in set(modules).union(imported):
      if name in before:
        sys.modules[name] = before[name]
      else:
        sys.modules.pop(name, None)


def _check_script(script):
  if script not in SCRIPTS:
    raise errors.UsageError(
        'there is no script %r: choose one of %s' % (script, ', '.join(SCRIPTS))
    )


def _edition_for(source, script, *, edition, ours):
  """Checks the arguments of run(), and returns the Edition of a directory."""
  _check_script(script)
  if ours and script != 'cifar10_input_test':
    raise errors.UsageError(
        '--module=ours works with cifar10_input_test only: run %s without it'
        % script
    )
  if edition is None:
    edition = find_edition(source)
  if edition.python2:
    raise errors.UsageError(
        '%s of %s is written in Python 2: run it with --runtime=0.12.1, or '
        'choose a later edition' % (script, edition.name)
    )
  return edition


def run(source, script, *, flags, ours=False, edition=None, adapt=None):
  """Runs one script of the tutorial until it ends.

  Disables TensorFlow 2 behavior for the rest of the process; all other changes
  are undone.

  Args:
    source: str, the directory of the unmodified files.
    script: str, one of SCRIPTS.
    flags: list of str, the script's flags.
    ours: bool, whether cifar10_input_test tests cifar10_compat.cifar10_input
      instead of the directory's cifar10_input.
    edition: Edition of the files; None to detect and check the edition.
    adapt: function to call with the StandIn, which can add bridges.

  Returns:
    dict, the script's global names.

  Raises:
    UsageError: the arguments are invalid, or the script would delete a
      directory.
    DataError: images are missing from the data_dir and cannot be downloaded.
    SystemExit: the script ended; TensorFlow's app.run always raises it.
    Exception: the script raised an exception; the traceback contains the
      script's lines.
  """
  edition = _edition_for(source, script, edition=edition, ours=ours)
  print('historical: %s of %s' % (script, edition.name), file=sys.stderr)

  source = os.path.abspath(source)
  prefix = edition.package + '.' if edition.package else ''
  tf.disable_v2_behavior()
  stand_in = bridges.install(source, script)
  if adapt is not None:
    adapt(stand_in)
  modules = dict(stand_in.modules)
  if ours:
    modules[prefix + 'cifar10_input'] = cifar10_input
  path = os.path.join(source, script + '.py')
  try:
    with _replaced(modules, [path] + list(flags), source):
      if script != 'cifar10_input_test':
        stand_in.bridge_cifar10(importlib.import_module(prefix + 'cifar10'))
      try:
        return runpy.run_path(path, run_name='__main__')
      except Exception as e:
        cause = stand_in.stop()
        if cause is not None and e.__cause__ is None:
          # Without this cause, the only error would be "queue is closed".
          e.__cause__ = cause
        raise
      finally:
        stand_in.stop()
  finally:
    for undo in stand_in.undo:
      undo()


def on_runtime(program, runtime, source=None):
  """Prepares to run an edition on an old TensorFlow.

  Args:
    program: str, the program's name, which precedes each progress line on
      stderr.
    runtime: runtimes.Runtime.
    source: str, the directory of the unmodified files; None for the files
      bundled with TensorFlow.

  Returns:
    (environments.Environment, str, Edition): the environment to run in, the
    directory of the files, and their edition.

  Raises:
    UsageError: the files cannot be used, or the environment cannot be created.
  """
  edition = find_edition(source) if source else None
  if edition:
    old_scripts.check(edition, runtime)
  environment = environments.make(
      runtime, tell=lambda line: print(f'{program}: {line}', file=sys.stderr)
  )
  source = source or old_scripts.bundled(environment)
  return environment, source, edition or find_edition(source)


def run_on(version, source, script, script_flags):
  """Runs one script of the tutorial on an old TensorFlow.

  Args:
    version: str, a TensorFlow version in runtimes.py.
    source: str, the directory of the unmodified files, or None for the bundled
      files.
    script: str, one of SCRIPTS.
    script_flags: list of str, the script's flags.

  Returns:
    int, the script's exit code.

  Raises:
    UsageError: the arguments are invalid, the environment cannot be created, or
      the script would delete a directory.
    DataError: images are missing from the data_dir and cannot be downloaded.
  """
  runtime = runtimes.find(version)
  _check_script(script)
  environment, source, edition = on_runtime('historical', runtime, source)
  return old_scripts.run(
      source,
      script,
      flags=script_flags,
      edition=edition,
      environment=environment,
  )


def bridge_list():
  """Returns the table of bridges as text: old name, new name, reason."""
  return text_tables.text(
      [(bridge.old, bridge.new, bridge.reason) for bridge in bridges.BRIDGES],
      heads=('OLD', 'TODAY', 'REASON'),
  )


def _parser():
  parser = command_line.Parser(
      prog='historical',
      usage='historical --source=DIR [--module=ours] SCRIPT [FLAG ...]\n'
      '       historical --runtime=VERSION [--source=DIR] SCRIPT [FLAG ...]\n'
      '       historical --list',
      description="Runs the unmodified CIFAR-10 tutorial of 2016 on today's "
      "TensorFlow. The tutorial's files are never changed.",
      epilog='known editions, and the scripts tested with each:\n'
      + '\n'.join('  %s: %s' % (e.name, e.tried) for e in EDITIONS),
  )
  parser.add_argument(
      '--source',
      metavar='DIR',
      help="the tutorial's directory in a checkout of one of these editions",
  )
  parser.add_argument(
      '--module',
      choices=('theirs', 'ours'),
      default='theirs',
      help='the module that cifar10_input_test tests: cifar10_input of DIR, or '
      'of cifar10_compat',
  )
  parser.add_argument(
      '--runtime',
      metavar='VERSION',
      help='the old TensorFlow version to run on, %s; the program creates a '
      'missing environment (default: the installed TensorFlow). If the '
      'version bundles the tutorial, --source can be omitted'
      % ' or '.join(r.version for r in runtimes.RUNTIMES),
  )
  parser.add_argument(
      '--list',
      action='store_true',
      help='print the current name for each old name, with the reason',
  )
  parser.add_argument(
      'script', metavar='SCRIPT', nargs='?', help=', '.join(SCRIPTS)
  )
  parser.add_argument(
      'flags',
      metavar='FLAG',
      nargs=argparse.REMAINDER,
      help='flags for the script',
  )
  return parser


@command_line.program('historical')
def main(argv):
  args = _parser().parse_args(argv)
  if args.list:
    print(bridge_list())
    return 0
  if (args.source or args.runtime) is None or args.script is None:
    raise errors.UsageError(
        'specify a directory with --source=DIR, and one of its scripts: %s '
        '(see --help)' % ', '.join(SCRIPTS)
    )
  script = args.script[:-3] if args.script.endswith('.py') else args.script
  # The script's flags can be relative paths.
  paths.enter_user_directory()
  if args.runtime is not None:
    if args.module == 'ours':
      raise errors.UsageError(
          '--module=ours runs on the installed TensorFlow: omit --runtime=%s'
          % args.runtime
      )
    return run_on(args.runtime, args.source, script, args.flags)
  run(args.source, script, flags=args.flags, ours=args.module == 'ours')
  return 0


if __name__ == '__main__':
  sys.exit(main())
