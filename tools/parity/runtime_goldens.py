"""Records goldens of the original runtime for the tests.

  runtime_goldens --runtime=VERSION --data_dir=DIR [--source=DIR] [--regenerate]

--regenerate writes tests/golden/runtime-VERSION.json: the results of one step
of the tutorial's edition on that old TensorFlow, from seeded values.  Without
--regenerate, the program computes the results again and compares the new
results with the existing file.  --source is the directory of the unmodified
files; omit it if that TensorFlow bundles the files.

Everything in a golden except the seed comes from the old interpreter.  With the
chosen seed, no rounding error can make a rectifier or maximum take the other
branch.
"""

from cifar10_compat.base import quiet  # noqa: F401  # isort: skip

import sys

import tensorflow.compat.v1 as tf

from cifar10_compat.base import errors
from cifar10_compat.data import checks
from cifar10_compat.data import datasets

from ..base import command_line
from ..editions import runtimes
from ..editions import scripts
from . import golden_files
from . import golden_steps
from . import old_side


@command_line.program('runtime_goldens')
def main(argv):
  parser = golden_files.parser(
      'runtime_goldens',
      __doc__.partition('\n')[0],
      source='directory of the unmodified historical files (default: the files '
      'bundled with the TensorFlow of --runtime)',
      required=False,
  )
  parser.add_data_dir()
  parser.add_argument(
      '--runtime',
      required=True,
      metavar='VERSION',
      help='the TensorFlow version to compute with, %s'
      % ' or '.join(sorted(golden_steps.FILES)),
  )
  args = parser.parse_args(argv)
  source, data_dir, out = (
      command_line.path(p) for p in (args.source, args.data_dir, args.out)
  )
  runtime = runtimes.find(args.runtime, runtimes.COMPARED)
  name = golden_steps.path(runtime.version, out)
  wanted = golden_steps.EDITIONS[runtime.version]
  if source:
    found = scripts.find_edition(source).name
    errors.UsageError.raise_if(
        found != wanted,
        '%s contains the edition %s, but the golden of TensorFlow %s is for %s'
        % (source, found, runtime.version, wanted),
    )
  errors.UsageError.raise_if(
      not (source or runtime.bundled),
      'TensorFlow %s does not bundle the tutorial: specify a directory of %s '
      'with --source=DIR' % (runtime.version, wanted),
  )
  for eval_data in (False, True):
    checks.check(datasets.CIFAR10, data_dir, eval_data)
  before = None if args.regenerate else golden_steps.read(runtime.version, out)
  environment, source, edition = scripts.on_runtime(
      'runtime_goldens', runtime, source
  )
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
