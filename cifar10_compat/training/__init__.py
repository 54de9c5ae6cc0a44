"""The training session, its hooks, its checkpoints and its directory."""
