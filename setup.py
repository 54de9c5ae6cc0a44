"""Installs the package and its programs: pip install .

pyproject.toml says what there is to install.
"""

import setuptools

setuptools.setup()
