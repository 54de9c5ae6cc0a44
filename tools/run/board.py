r"""Shows runs in a browser: their curves, histograms, images and graphs.

  tensorboard --logdir=/tmp/cifar10_train

shows a run, or all runs in the directories below; and under names of your own

  tensorboard --logdir_spec=train:/tmp/cifar10_train,eval:/tmp/cifar10_eval

Open the address that it prints.  It serves this machine alone and looks for
new events every five seconds; Ctrl-C ends it.  --port=N chooses the port; 0 takes
any free one.  All flags are TensorBoard's own: --helpfull explains them.
"""

# First: TensorFlow, which TensorBoard and the command line bring along, reads
# its log levels while it loads.
from cifar10_compat.base import quiet  # noqa: F401  # isort: skip

import sys

from cifar10_compat.base import errors
from cifar10_compat.base import paths

from ..base import command_line


@command_line.program('tensorboard')
def main(argv):
  argv = sys.argv[1:] if argv is None else argv
  if {'-h', '--help'} & set(argv):
    print(__doc__)
    return 0
  try:
    from tensorboard import main as tensorboard
  except ImportError as e:
    raise errors.UsageError(
        'TensorBoard is missing: pip install cifar10_compat[tensorboard]'
    ) from e
  paths.enter_user_directory()
  sys.argv = ['tensorboard', *argv]
  try:
    tensorboard.run_main()
  except KeyboardInterrupt:
    # TensorBoard catches it, but not while it starts.
    return 130


if __name__ == '__main__':
  sys.exit(main())
