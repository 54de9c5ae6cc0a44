"""Programs that start training runs and show them."""
