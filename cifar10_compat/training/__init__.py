"""The training session: its hooks, checkpoints and directory."""
