"""Images as records: made, checked and drawn."""
