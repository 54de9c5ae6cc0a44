"""Programs that start training runs and show training runs."""
