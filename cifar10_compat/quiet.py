"""Keeps TensorFlow's start-up chatter and deprecation warnings off the screen.

Entry points import this module before anything that imports TensorFlow, since
TensorFlow reads its levels while it loads.  The C++ side is set to 3 (fatal
only): what it logs as an error is either also raised in Python, or is "failed
call to cuInit" on a machine that has no GPU.  A level that the user has set in
the environment is left alone.
"""

import logging
import os

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
logging.getLogger('tensorflow').setLevel(logging.ERROR)
