"""Compares our training with that of the unmodified historical tutorial."""
