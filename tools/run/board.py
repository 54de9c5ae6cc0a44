r"""Shows training runs in a browser: curves, histograms, images and graphs.

  tensorboard --logdir=/tmp/cifar10_train

shows a run, or all runs in subdirectories of --logdir.  To choose the names of
runs, use

  tensorboard --logdir_spec=train:/tmp/cifar10_train,eval:/tmp/cifar10_eval

Open the printed address in a browser.  TensorBoard serves only this machine,
and looks for new events every five seconds; Ctrl-C ends TensorBoard.  --port=N
sets the port; 0 selects a free port.  All flags are TensorBoard's own:
--helpfull explains them.
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
    # While it starts, TensorBoard does not handle Ctrl-C.
    return 130


if __name__ == '__main__':
  sys.exit(main())
