"""Export formats of a trained network, one module each."""
