"""Training in several processes: cluster, heartbeats, sessions and updates."""
