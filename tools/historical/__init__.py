"""Runs the unmodified scripts of the tutorial on today's TensorFlow."""
