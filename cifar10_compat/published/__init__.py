"""A trained network bundled with the package; README.md is its model card.

The directory has the layout of a train_dir.  The only checkpoint contains only
the moving averages of the weights.  //tools:publish writes it.
"""

import os

# Value of --checkpoint_dir that selects this directory.
NAME = 'published'

DIRECTORY = os.path.dirname(os.path.abspath(__file__))
