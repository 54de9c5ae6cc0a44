"""Compares the port with the unmodified tutorial."""
