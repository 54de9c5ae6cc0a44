"""The listed exemptions are data: each is well-formed and for an edition."""

import collections

from absl.testing import absltest

from tools.editions import scripts
from tools.parity import exemptions


class ExemptionsTest(absltest.TestCase):

  def test_editions_are_known(self):
    names = {edition.name for edition in scripts.EDITIONS}
    self.assertContainsSubset(set(exemptions.EXEMPTIONS), names)
    self.assertContainsSubset(set(exemptions.RENAMES), names)
    self.assertContainsSubset(set(exemptions.TAGS), names)

  def test_each_names_one_op_and_one_attribute_and_says_why(self):
    for name, listed in exemptions.EXEMPTIONS.items():
      self.assertNotEmpty(listed, name)
      for exemption in listed:
        self.assertRegex(exemption.op, r'^[A-Za-z0-9_./]+$')
        self.assertRegex(exemption.attribute, r'^[A-Za-z_]+( [a-z]+)?$')
        self.assertGreater(len(exemption.reason), 20)
      counts = collections.Counter(e[:2] for e in listed)
      self.assertEqual(1, max(counts.values()), counts.most_common(1))

  def test_which_change_a_number(self):
    found = {
        name: {e.reason.partition(';')[0] for e in listed if e.changes_numbers}
        for name, listed in exemptions.EXEMPTIONS.items()
    }
    # The values of 200 steps, bit by bit, hold for all others: see compare.
    self.assertEqual(
        {
            'tensorflow v0.7.0 and v0.7.1': set(),
            'tensorflow/models v1.12.0 and v1.13.0': {
                'this edition averages the weights after their update, and its '
                'average is what is run',
                "this edition draws the convolutions' weights with a deviation "
                'of 5e-2',
            },
        },
        found,
    )

  def test_each_rename_is_of_one_op(self):
    for name, renames in exemptions.RENAMES.items():
      for side in ('original', 'port'):
        ops = [getattr(rename, side) for rename in renames]
        self.assertLen(set(ops), len(ops), name)
        for op in ops:
          self.assertRegex(op, r'^[A-Za-z0-9_./]+$')

  def test_each_tag_is_written_out_and_says_why(self):
    for name, tags in exemptions.TAGS.items():
      for side in ('original', 'port'):
        listed = [tag for tag in (getattr(r, side) for r in tags) if tag]
        self.assertLen(set(listed), len(listed), name)
        for tag in listed:
          self.assertRegex(tag, r'^[A-Za-z0-9_./]+( \(raw\))?$')
      for rename in tags:
        self.assertGreater(len(rename.reason), 20)
