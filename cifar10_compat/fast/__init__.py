"""Faster ops: the values of TensorFlow's own, to float32's rounding."""
