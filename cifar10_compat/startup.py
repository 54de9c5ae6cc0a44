"""Prepares a program before it loads TensorFlow, which takes seconds.

This module reads the command line, so that --help and flag errors need no
TensorFlow, and sets the environment variables that TensorFlow reads while it
loads.  Nothing is written before entry_points.run(), so until then a signal
ends the program at once.
"""

import gc
import importlib.machinery
import os
import signal
import sys
from types import FrameType

# Variable that enables oneDNN.  By default TensorFlow uses oneDNN only on
# processors with AVX-512 VNNI, bfloat16 or AMX; on other processors,
# convolution gradients take several times as long without oneDNN.
ONEDNN = 'TF_ENABLE_ONEDNN_OPTS'


def prepare(name: str, program: str) -> None:
  """Prepares the process for TensorFlow if it runs the calling program.

  Does nothing if another program imports the calling module.  Environment
  variables that the user has set are kept.

  Args:
    name: the __name__ of the calling module.
    program: the name of the program's dataclass in config.py.

  Raises:
    SystemExit: the command line contains --help or is invalid, or TensorFlow is
      missing.
  """
  module = sys.modules[name]
  file = os.path.basename(module.__file__ or '')
  main = getattr(sys.modules['__main__'], '__file__', None) or ''
  # A user's script can import the module and have the same name.
  is_users = name != '__main__' and os.path.basename(main) == file
  if stem(sys.argv[0]) != stem(file) or is_users:
    return
  for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    if signal.getsignal(signum) != signal.SIG_IGN:
      signal.signal(signum, _end)
  # Ignore SIGUSR1, a request for a report, until its handler is set.
  signal.signal(signal.SIGUSR1, signal.SIG_IGN)
  if importlib.machinery.PathFinder.find_spec('tensorflow') is None:
    sys.exit(
        f'{stem(sys.argv[0])}: error: TensorFlow is not installed: run pip '
        "install '.[data]' in the checkout"
    )
  # The following imports may use packages that TensorFlow depends on.
  from cifar10_compat import config as config_lib
  from cifar10_compat import entry_points
  from cifar10_compat.base import quiet  # noqa: F401

  config = entry_points.read(getattr(config_lib, program), module.__doc__)
  entry_points.prepared = config
  if getattr(config, 'fast', False):
    os.environ.setdefault(ONEDNN, '1')
  # TensorFlow creates 400,000 objects while it loads, which the garbage
  # collector would scan repeatedly.
  gc.disable()


def stem(path: str) -> str:
  """Returns a program's name without directory and extension."""
  return os.path.splitext(os.path.basename(path))[0]


def _end(signum: int, unused_frame: FrameType | None) -> None:
  # Exit directly: an exception could be raised anywhere in a half-loaded
  # module.
  os._exit(128 + signum)
