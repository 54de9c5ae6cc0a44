"""Training in several processes: clusters, heartbeats, sessions and updates."""
