"""Programs for a run: on one machine or as a cluster, watched and shown."""
