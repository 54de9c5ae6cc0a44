"""The loop around a train op: its hooks, its checkpoints, its directory."""
