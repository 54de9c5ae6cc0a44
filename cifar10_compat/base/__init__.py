"""What every other part uses: errors, signals, files, progress, summaries."""
