"""Programs that accompany cifar10_compat; installed as cifar10_compat_tools."""

import os
import signal
import sys

# While a tool loads, which takes seconds, Ctrl-C ends the tool at once: an
# exception could occur anywhere in a half-loaded module.  command_line.run()
# replaces this handler.  A process that only imports a tool keeps its handler.
if (
    sys.argv[:1] == ['-m']  # The value while Python looks for the module.
    or os.path.basename(sys.argv[0]).startswith('cifar10_')
) and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
  signal.signal(signal.SIGINT, signal.SIG_DFL)
