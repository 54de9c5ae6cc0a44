"""What a program does before it loads TensorFlow, which takes seconds.

It reads its command line, so that --help and a mistake in a flag need no
TensorFlow, and sets what TensorFlow reads from the environment while it loads.
Until entry_points.run() nothing has been written, and a signal ends it at once.
"""

import gc
import importlib.machinery
import os
import signal
import sys
from types import FrameType

# Switches oneDNN on.  By itself TensorFlow uses it only on processors with AVX-512
# VNNI, bfloat16 or AMX; on others the gradients of a convolution then take several
# times as long.
ONEDNN = 'TF_ENABLE_ONEDNN_OPTS'


def prepare(name: str, program: str) -> None:
  """Prepares this process for loading TensorFlow, if it runs this program.

  Does nothing where something else imports the module.  What the user has set in
  the environment stays as it is.

  Args:
    name: the module's __name__.
    program: the name of its dataclass in config.py.

  Raises:
    SystemExit: the command line asks for --help or is wrong, or TensorFlow is
      missing.
  """
  module = sys.modules[name]
  if stem(sys.argv[0]) != stem(module.__file__ or ''):
    return
  for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    if signal.getsignal(signum) != signal.SIG_IGN:
      signal.signal(signum, _end)
  # Who asks what the program waits for shall not end it.
  signal.signal(signal.SIGUSR1, signal.SIG_IGN)
  if importlib.machinery.PathFinder.find_spec('tensorflow') is None:
    sys.exit(
        f'{stem(sys.argv[0])}: error: TensorFlow is not installed: run pip '
        "install '.[data]' in the checkout"
    )
  # What comes with TensorFlow may be imported from here on.
  from cifar10_compat import config as config_lib
  from cifar10_compat import entry_points
  from cifar10_compat.base import quiet  # noqa: F401

  config = entry_points.read(getattr(config_lib, program), module.__doc__)
  entry_points.prepared = config
  if getattr(config, 'fast', False):
    os.environ.setdefault(ONEDNN, '1')
  # TensorFlow makes 400,000 objects while it loads, which Python would search for
  # garbage again and again.
  gc.disable()


def stem(path: str) -> str:
  """Returns the name of a program without directory and ending."""
  return os.path.splitext(os.path.basename(path))[0]


def _end(signum: int, unused_frame: FrameType | None) -> None:
  # Not by an exception: it would be raised anywhere in a half-loaded module.
  os._exit(128 + signum)
