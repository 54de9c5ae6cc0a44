"""Goldens of the original runtime, for the tests.

  runtime_goldens --runtime=VERSION --data_dir=DIR [--source=DIR] [--regenerate]

--regenerate writes tests/golden/runtime-VERSION.json: what that TensorFlow of the
time computes, in one step of its edition of the tutorial, from numbers that a
seed makes.  Without it, the existing file is checked against what is computed
anew.  DIR of --source has the unmodified files, which may be left out where this
TensorFlow brings them.

Everything in a golden but its seed comes from the old interpreter.  The seed is
one of which rounding cannot let any rectifier or maximum decide otherwise.
"""

from cifar10_compat.base import quiet  # noqa: F401  # isort: skip

import sys

import tensorflow.compat.v1 as tf

from cifar10_compat.base import errors
from cifar10_compat.data import checks
from cifar10_compat.data import datasets

from ..base import command_line
from ..editions import environments
from ..editions import old_scripts
from ..editions import runtimes
from ..editions import scripts
from . import golden_files
from . import golden_steps
from . import old_side


def _edition(source, version):
  """Returns the scripts.Edition of a source; raises UsageError for a wrong one."""
  edition = scripts.find_edition(source)
  wanted = golden_steps.EDITIONS[version]
  errors.UsageError.raise_if(
      edition.name != wanted,
      '%s has %s, and the golden of TensorFlow %s is of %s'
      % (source, edition.name, version, wanted),
  )
  return edition


@command_line.program('runtime_goldens')
def main(argv):
  parser = golden_files.parser(
      'runtime_goldens',
      __doc__.partition('\n')[0],
      source='the unmodified historical files (default: those that the '
      'TensorFlow of --runtime brings)',
      required=False,
  )
  golden_files.add_data_dir(parser)
  parser.add_argument(
      '--runtime',
      required=True,
      metavar='VERSION',
      help='the TensorFlow that computes, %s'
      % ' or '.join(sorted(golden_steps.FILES)),
  )
  args = parser.parse_args(argv)
  source, data_dir, out = (
      command_line.path(p) for p in (args.source, args.data_dir, args.out)
  )
  runtime = runtimes.find(args.runtime, runtimes.COMPARED)
  name = golden_steps.path(runtime.version, out)
  if source:
    _edition(source, runtime.version)
  elif not runtime.bundled:
    raise errors.UsageError(
        'TensorFlow %s does not bring the tutorial: name %s with --source=DIR'
        % (runtime.version, golden_steps.EDITIONS[runtime.version])
    )
  for eval_data in (False, True):
    checks.check(datasets.CIFAR10, data_dir, eval_data)
  before = None if args.regenerate else golden_steps.read(runtime.version, out)
  environment = environments.make(
      runtime,
      tell=lambda line: print('runtime_goldens: ' + line, file=sys.stderr),
  )
  source = source or old_scripts.bundled(environment)
  edition = _edition(source, runtime.version)
  tf.disable_v2_behavior()
  with golden_steps.port(data_dir) as port:
    made = golden_steps.make(
        old_side.Old(source, environment, edition, data_dir),
        port,
        seed=before['seed'] if before else golden_steps.find_seed(port),
    )
  return golden_files.finish(name, before, made, golden_steps.changed)


if __name__ == '__main__':
  sys.exit(main())
