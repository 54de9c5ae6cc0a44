"""//tools:benchmark: measures speed and compares it with other programs."""
