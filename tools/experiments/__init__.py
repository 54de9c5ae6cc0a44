"""Trainings that are planned, run, recorded, reported and published."""
