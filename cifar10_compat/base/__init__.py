"""Parts that all others use: errors, signals, files, progress and summaries."""
