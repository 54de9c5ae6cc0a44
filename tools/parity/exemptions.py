"""The intended differences between each edition's training graph and the port's.

They are written out, op by op, in mappings/v0.7.0.json and v1.13.0.json.
"""

from . import mapping

# By the name of the edition in scripts.EDITIONS.
_MAPPINGS = {
    'tensorflow v0.7.0 and v0.7.1': mapping.load('v0.7.0'),
    'tensorflow/models v1.12.0 and v1.13.0': mapping.load('v1.13.0'),
}

EXEMPTIONS = {edition: m.exemptions for edition, m in _MAPPINGS.items()}
RENAMES = {edition: m.renames for edition, m in _MAPPINGS.items()}
TAGS = {edition: m.tags for edition, m in _MAPPINGS.items()}
