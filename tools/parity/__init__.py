"""Compares the port's training with that of the unmodified tutorial."""
