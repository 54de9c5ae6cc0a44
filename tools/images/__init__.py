"""Makes, checks and draws image sets."""
