"""Runs the tutorial's unmodified scripts on an old TensorFlow."""

import os
import sys
import tarfile
import tempfile

from cifar10_compat.base import errors
from cifar10_compat.data import checks
from cifar10_compat.data import datasets
from cifar10_compat.data import download

from . import calls

# For each script: the flag that names the directory that the script deletes and
# writes, and the flag's default.
_WRITES = {
    'cifar10_train': ('train_dir', '/tmp/cifar10_train'),
    'cifar10_multi_gpu_train': ('train_dir', '/tmp/cifar10_train'),
    'cifar10_eval': ('eval_dir', '/tmp/cifar10_eval'),
}
_DATA_DIR = ('data_dir', '/tmp/cifar10_data')
# The archive that the scripts unpack if it exists.
_ARCHIVE = 'cifar-10-binary.tar.gz'


def bundled(environment):
  """Returns the directory of the tutorial that TensorFlow bundles.

  Args:
    environment: environments.Environment.

  Raises:
    UsageError: that TensorFlow does not bundle the tutorial.
  """
  runtime = environment.runtime
  if not runtime.bundled:
    raise errors.UsageError(
        'TensorFlow %s does not bundle the tutorial: specify an edition with '
        '--source=DIR' % runtime.version
    )
  return os.path.join(environment.site_packages, runtime.bundled)


def check(edition, runtime):
  """Raises UsageError if an edition cannot run on a runtime's Python.

  Args:
    edition: scripts.Edition.
    runtime: runtimes.Runtime.
  """
  if edition.python2 and not runtime.python.startswith('2.'):
    raise errors.UsageError(
        '%s is written in Python 2, and TensorFlow %s runs on Python %s: choose '
        'another --runtime' % (edition.name, runtime.version, runtime.python)
    )


def ask(
    environment,
    program,
    what,
    *,
    source,
    edition,
    data_dir,
    scratch,
    **arguments,
):
  """Runs a file in old/ that writes its results to files.

  Args:
    environment: environments.Environment in which to run the file.
    program: str, the name of the file without its extension.
    what: str, the error message; %s stands for the edition.
    source: str, the directory of the unmodified files.
    edition: scripts.Edition of the source.
    data_dir: str, the directory of the images.
    scratch: str, an existing directory.
    **arguments: additional arguments for the file.

  Returns:
    str, the directory of the results, in scratch.

  Raises:
    UsageError: the program failed; the message contains its last line.
    DataError: images are missing from data_dir and cannot be downloaded.
  """
  prepared, out = (os.path.join(scratch, name) for name in ('data', 'answer'))
  prepare(data_dir, prepared)
  os.mkdir(out)
  calls.call(
      environment,
      program,
      {
          'source': os.path.abspath(source),
          'package': edition.package,
          'data_dir': prepared,
          'out': out,
          **arguments,
      },
      scratch=scratch,
      what='--runtime=%s: %s'
      % (environment.runtime.version, what % edition.name),
  )
  return out


def flag_value(flags, name, default):
  """Returns the value that the scripts' own parsers would find for a flag.

  Args:
    flags: list of str, a script's flags.
    name: str, the flag's name without dashes.
    default: the value if the flag is missing.
  """
  value = default
  for n, flag in enumerate(flags):
    key, equals, text = flag.lstrip('-').partition('=')
    if flag.startswith('-') and key == name:
      value = text if equals else (flags[n + 1 :] + [default])[0]
  return value


def arguments(source, script, runtime=None):
  """Returns the arguments with which //tools:historical runs a script.

  Args:
    source: str, the directory of the unmodified files.
    script: str, one of scripts.SCRIPTS; the script's flags may follow.
    runtime: str, the version of an old TensorFlow, or None for today's
      TensorFlow.
  """
  on = ['--runtime=' + runtime] if runtime else []
  return on + ['--source=' + source, script]


def run(source, script, *, flags, edition, environment):
  """Runs one script of the tutorial until it ends.

  Args:
    source: str, the directory of the unmodified files.
    script: str, one of scripts.SCRIPTS.
    flags: list of str, the script's flags.
    edition: scripts.Edition of the source.
    environment: environments.Environment.

  Returns:
    int, the script's exit code.

  Raises:
    UsageError: the script would delete a directory, or cannot run on this
      Python.
    DataError: images are missing from the data_dir and cannot be downloaded.
  """
  check(edition, environment.runtime)
  print('historical: %s of %s' % (script, edition.name), file=sys.stderr)
  flags = list(flags)
  with tempfile.TemporaryDirectory() as scratch:
    if script in _WRITES:
      _check_not_there(script, flag_value(flags, *_WRITES[script]))
      data_dir = os.path.join(scratch, 'data')
      prepare(flag_value(flags, *_DATA_DIR), data_dir)
      flags.append('--data_dir=' + data_dir)
    arguments = {
        'source': os.path.abspath(source),
        'package': edition.package,
        'script': script,
        'flags': flags,
    }
    return calls.run(environment, 'run_script', arguments, scratch=scratch)


def _check_not_there(script, directory):
  if os.path.lexists(directory):
    raise errors.UsageError(
        '%s exists and %s would delete it: choose another directory, or remove '
        'it yourself' % (directory, script)
    )


def prepare(data_dir, prepared):
  """Creates a data_dir for which a script downloads nothing.

  Args:
    data_dir: str, the user's directory, which stays unchanged unless its images
      are missing and are downloaded.
    prepared: str, the directory to create.

  Raises:
    DataError: images are missing from data_dir and cannot be downloaded.
    UsageError: data_dir cannot be written.
  """
  download.maybe_download_and_extract(data_dir)
  for eval_data in (False, True):
    checks.check(datasets.CIFAR10, data_dir, eval_data)
  os.mkdir(prepared)
  os.symlink(
      os.path.abspath(os.path.join(data_dir, datasets.CIFAR10.directory)),
      os.path.join(prepared, datasets.CIFAR10.directory),
  )
  # Later editions unpack the archive at each start; this archive is empty.
  with tarfile.open(os.path.join(prepared, _ARCHIVE), 'w:gz'):
    pass
