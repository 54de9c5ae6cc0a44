"""Keeps TensorFlow's chatter off the screen, and Keras out of the process.

Entry points import this module before anything that imports TensorFlow, since
TensorFlow reads its levels while it loads.  The C++ side is set to 3 (fatal
only): what it logs as an error is either also raised in Python, or is "failed
call to cuInit" on a machine that has no GPU.  What the user has set in the
environment is left alone.
"""

import logging
import os

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
# Else TensorFlow loads Keras 3, which nothing here uses, and with it, should it
# be installed, matplotlib: a quarter of the time that a program takes to start.
os.environ.setdefault('TF_USE_LEGACY_KERAS', '1')
logging.getLogger('tensorflow').setLevel(logging.ERROR)
# Keras 3, which writes a .keras file, imports it; it warns where it cannot keep a
# cache at home.
logging.getLogger('matplotlib').setLevel(logging.ERROR)
