"""Each stated number has its source and its measurement."""

from absl.testing import absltest

from tools.parity.claims import stated


class StatedTest(absltest.TestCase):

  def test_each_says_where_and_how(self):
    self.assertNotEmpty(stated.names())
    for what in stated.names():
      claim = stated.judged(what, 'anything', same=True)
      self.assertNotEmpty(claim.where)
      self.assertNotEmpty(claim.how)
      self.assertEqual(stated.text(stated.said(what)), claim.said)

  def test_equal(self):
    claim = stated.equal('random crop', (24, 24, 3))
    self.assertEqual('24, 24, 3', claim.said)
    self.assertEqual((True, ''), (claim.same, claim.why))
    claim = stated.equal('random crop', (24, 24, 1))
    self.assertEqual('24, 24, 1', claim.found)
    self.assertTrue(claim.unexplained)

  def test_reasons(self):
    what = 'ops of the training graph (approximate)'
    self.assertEqual('', stated.equal(what, 765).why)
    claim = stated.equal(what, 766)
    self.assertIs(False, claim.same)
    self.assertFalse(claim.unexplained)
    self.assertIn('2015', claim.why)
    self.assertTrue(
        stated.judged(what, 766, same=False, reason_holds=False).unexplained
    )
    claim = stated.not_measured('sec/batch, 1 Tesla K20m', '(nothing)')
    self.assertIs(None, claim.same)
    self.assertFalse(claim.unexplained)
    self.assertIn('GPU', claim.why)

  def test_text(self):
    for value, text in (
        (50000, '50,000'),
        (0.1, '0.1'),
        (1 / 192, '0.005208333'),
        ((1, 2.5, 'a'), '1, 2.5, a'),
    ):
      self.assertEqual(text, stated.text(value))
