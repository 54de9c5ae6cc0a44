"""Each listed difference names one op and one attribute, and says why."""

from absl.testing import parameterized

from tools.parity import mapping
from tools.parity import trainers


class MappingTest(parameterized.TestCase):

  @parameterized.parameters(*trainers.TRAINERS, trainers.SESSION)
  def test_each_op_is_written_out_with_its_reason(self, name):
    listed = mapping.load(name)
    for exemption in listed.exemptions:
      self.assertRegex(exemption.op, r'^[A-Za-z0-9_./]+$')
      self.assertGreater(len(exemption.reason), 20)
    self.assertLen({e[:2] for e in listed.exemptions}, len(listed.exemptions))
    for side in ('original', 'port'):
      ops = [getattr(rename, side) for rename in listed.renames]
      self.assertLen(set(ops), len(ops))

  def test_the_session_has_exemptions_for_its_own_ops_alone(self):
    allowed = ('concat', 'group_deps', 'init', 'report_uninitialized_')
    for exemption in mapping.load(trainers.SESSION).exemptions:
      self.assertStartsWith(exemption.op, allowed)
