"""Creates, checks and draws image sets."""
