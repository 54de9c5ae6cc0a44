"""The numbers that the tutorial states, and the values measured here."""
