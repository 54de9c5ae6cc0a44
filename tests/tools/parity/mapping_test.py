"""Each listed difference names one op, one attribute and a reason."""

from absl.testing import parameterized

from tools.editions import scripts
from tools.parity import mapping
from tools.parity import trainers


class MappingTest(parameterized.TestCase):

  def check_names(self, renames, pattern):
    """Checks that each name is written out and occurs once per side."""
    for side in ('original', 'port'):
      names = [name for name in (getattr(r, side) for r in renames) if name]
      self.assertLen(set(names), len(names))
      for name in names:
        self.assertRegex(name, pattern)

  @parameterized.parameters(
      *trainers.TRAINERS, mapping.SESSION, *mapping.EDITIONS.values()
  )
  def test_each_op_and_tag_is_written_out_with_its_reason(self, name):
    listed = mapping.load(name)
    self.assertNotEmpty(listed.exemptions)
    for exemption in listed.exemptions:
      self.assertRegex(exemption.op, r'^[A-Za-z0-9_./]+$')
      self.assertRegex(exemption.attribute, r'^[A-Za-z_]+( [a-z]+)?$')
      self.assertGreater(len(exemption.reason), 20)
    self.assertLen({e[:2] for e in listed.exemptions}, len(listed.exemptions))
    self.check_names(listed.renames, r'^[A-Za-z0-9_./]+$')
    self.check_names(listed.tags, r'^[A-Za-z0-9_./]+( \(raw\))?$')
    for tag in listed.tags:
      self.assertGreater(len(tag.reason), 20)

  def test_editions_are_known(self):
    names = {edition.name for edition in scripts.EDITIONS}
    self.assertContainsSubset(set(mapping.EDITIONS), names)

  def test_which_change_a_number(self):
    found = {
        name: {
            e.reason.partition(';')[0]
            for e in mapping.load(name).exemptions
            if e.changes_numbers
        }
        for name in mapping.EDITIONS.values()
    }
    # All others keep the values of 200 steps bit-identical: see compare.
    self.assertEqual(
        {
            'v0.7.0': set(),
            'v1.13.0': {
                'this edition averages the weights after their update, and runs '
                'the op of the averages',
                "this edition draws the convolutions' weights with a standard "
                'deviation of 5e-2',
            },
        },
        found,
    )

  def test_the_session_has_exemptions_for_its_own_ops_alone(self):
    allowed = ('concat', 'group_deps', 'init', 'report_uninitialized_')
    session = mapping.load(mapping.SESSION).exemptions
    for exemption in session:
      self.assertStartsWith(exemption.op, allowed)
    for edition, name in mapping.EDITIONS.items():
      own = mapping.load(name)
      self.assertEqual(
          own._replace(exemptions=own.exemptions + session),
          mapping.of_edition(edition),
      )
    self.assertEqual(
        mapping.Mapping(exemptions=session), mapping.of_edition('another')
    )
