"""Programs around the re-creation; installed as cifar10_compat_tools."""

import os
import signal
import sys

# While a tool loads, which takes seconds, Ctrl-C ends it at once: an exception
# could occur anywhere in a half-loaded module.  command_line.run() restores the
# handler.  A process that merely imports a tool keeps its handler.
if (
    sys.argv[:1] == ['-m']  # Until Python has found the module.
    or os.path.basename(sys.argv[0]).startswith('cifar10_')
) and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
  signal.signal(signal.SIGINT, signal.SIG_DFL)
