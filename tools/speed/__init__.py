"""Measures the port's speed and compares it with other programs."""
