"""The listed exemptions are data: each is well-formed and for an edition."""

import collections

from absl.testing import absltest

from tools import compare_exemptions
from tools import historical


class ExemptionsTest(absltest.TestCase):

  def test_editions_are_known(self):
    names = {edition.name for edition in historical.EDITIONS}
    self.assertContainsSubset(set(compare_exemptions.EXEMPTIONS), names)

  def test_each_names_one_op_and_one_attribute_and_says_why(self):
    for name, exemptions in compare_exemptions.EXEMPTIONS.items():
      self.assertNotEmpty(exemptions, name)
      for exemption in exemptions:
        self.assertRegex(exemption.op, r'^[A-Za-z0-9_./]+$')
        self.assertRegex(exemption.attribute, r'^[A-Za-z_]+( [a-z]+)?$')
        self.assertGreater(len(exemption.reason), 20)
      counts = collections.Counter(e[:2] for e in exemptions)
      self.assertEqual(1, max(counts.values()), counts.most_common(1))


if __name__ == '__main__':
  absltest.main()
