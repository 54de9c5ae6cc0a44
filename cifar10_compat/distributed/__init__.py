"""Training in several processes: who is where, who is alive, who updates."""
