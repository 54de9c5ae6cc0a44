r"""Shows training runs in a browser: curves, histograms, images and graphs.

  tensorboard --logdir=/tmp/cifar10_train

shows a run, or all runs in its subdirectories.  To choose their names, use

  tensorboard --logdir_spec=train:/tmp/cifar10_train,eval:/tmp/cifar10_eval

Open the address that it prints.  TensorBoard serves only this machine, and
looks for new events every five seconds; Ctrl-C ends it.  --port=N sets the
port; 0 selects a free one.  All flags are TensorBoard's own: --helpfull
explains them.
"""

# Import first: TensorBoard and the command line import TensorFlow, which reads
# its log levels at load time.
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
        'TensorBoard is not installed: pip install cifar10_compat[tensorboard]'
    ) from e
  paths.enter_user_directory()
  sys.argv = ['tensorboard', *argv]
  try:
    tensorboard.run_main()
  except KeyboardInterrupt:
    # TensorBoard handles Ctrl-C, but not while it starts.
    return 130


if __name__ == '__main__':
  sys.exit(main())
