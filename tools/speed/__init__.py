"""//tools:benchmark: what is fast, by how much, and against whom."""
