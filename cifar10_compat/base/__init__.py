"""Modules for the rest of the package: errors, signals, files and summaries."""
