"""A trained network that comes with the package: README.md is its model card.

The directory is laid out like a trainer's, with one checkpoint that has the moving
averages of the weights alone.  //tools:publish writes it.
"""

import os

# What --checkpoint_dir calls it.
NAME = 'published'

DIRECTORY = os.path.dirname(os.path.abspath(__file__))
