"""Silences TensorFlow's log, and keeps Keras out of the process.

Entry points must import this module before TensorFlow, which reads its log
levels while it loads.  The C++ log level is 3 (fatal only), since Python raises
the logged errors too, except "failed call to cuInit" on a machine without a
GPU.  Environment variables that the user has set are kept.
"""

import logging
import os

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
# Prevent TensorFlow from loading Keras 3, which nothing here uses, and which
# loads matplotlib if it is installed.  Loading both takes a quarter of a
# program's startup time.
os.environ.setdefault('TF_USE_LEGACY_KERAS', '1')
logging.getLogger('tensorflow').setLevel(logging.ERROR)
# Writing .keras files needs Keras 3, which imports matplotlib.  Suppress the
# warning of matplotlib that it cannot keep a cache in the home directory.
logging.getLogger('matplotlib').setLevel(logging.ERROR)
