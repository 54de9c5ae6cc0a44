"""The numbers that the tutorial states, and what is found for each."""
