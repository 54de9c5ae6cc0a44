"""Programs that start a run, on one machine or as a cluster, and show it."""
