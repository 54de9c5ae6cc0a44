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
from ..base import training_graph
from ..editions import environments
from ..editions import old_scripts
from ..editions import runtimes
from ..editions import scripts
from . import goldens
from . import old_goldens


def _parser():
  parser = command_line.Parser(
      prog='runtime_goldens',
      description=__doc__.partition('\n')[0],
  )
  parser.add_argument(
      '--runtime',
      required=True,
      metavar='VERSION',
      help='the TensorFlow that computes, %s'
      % ' or '.join(sorted(old_goldens.FILES)),
  )
  parser.add_argument(
      '--data_dir',
      required=True,
      metavar='DIR',
      help='the directory above cifar-10-batches-bin; its images have no effect',
  )
  parser.add_argument(
      '--source',
      metavar='DIR',
      help='the unmodified historical files (default: those that the TensorFlow '
      'of --runtime brings)',
  )
  parser.add_argument(
      '--regenerate',
      action='store_true',
      help='write the golden instead of checking it',
  )
  parser.add_argument(
      '--out',
      metavar='DIR',
      default=goldens.DIRECTORY,
      help='directory of the goldens (default tests/golden)',
  )
  return parser


def _edition(source, version):
  """Returns the scripts.Edition of a source; raises UsageError for a wrong one."""
  edition = scripts.find_edition(source)
  if edition.name != old_goldens.EDITIONS[version]:
    raise errors.UsageError(
        '%s has %s, and the golden of TensorFlow %s is of %s'
        % (source, edition.name, version, old_goldens.EDITIONS[version])
    )
  return edition


@command_line.program('runtime_goldens')
def main(argv):
  args = _parser().parse_args(argv)
  source, data_dir, out = (
      command_line.path(p) for p in (args.source, args.data_dir, args.out)
  )
  runtime = runtimes.find(args.runtime, runtimes.COMPARED)
  name = old_goldens.path(runtime.version, out)
  if source:
    _edition(source, runtime.version)
  elif not runtime.bundled:
    raise errors.UsageError(
        'TensorFlow %s does not bring the tutorial: name %s with --source=DIR'
        % (runtime.version, old_goldens.EDITIONS[runtime.version])
    )
  for eval_data in (False, True):
    checks.check(datasets.CIFAR10, data_dir, eval_data)
  before = None if args.regenerate else old_goldens.read(runtime.version, out)
  environment = environments.make(
      runtime,
      tell=lambda line: print('runtime_goldens: ' + line, file=sys.stderr),
  )
  source = source or old_scripts.bundled(environment)
  edition = _edition(source, runtime.version)
  tf.disable_v2_behavior()
  with training_graph.Training(old_goldens.ours(data_dir)) as training:
    made = old_goldens.make(
        source,
        environment,
        edition,
        data_dir,
        training=training,
        seed=before['seed'] if before else old_goldens.find_seed(training),
    )
  if args.regenerate:
    try:
      old_goldens.write(made, out)
    except OSError as e:
      raise errors.UsageError(
          '%s cannot be written (%s)' % (name, e.strerror)
      ) from e
    print('wrote %s' % name)
    return 0
  different = old_goldens.changed(before, made)
  for text in different:
    print(text)
  print('%s: %d differences' % (name, len(different)))
  return 1 if different else 0


if __name__ == '__main__':
  sys.exit(main())
