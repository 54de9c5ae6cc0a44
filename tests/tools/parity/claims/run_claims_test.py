"""Claims about a run, checked on runs made by hand."""

import os

from absl.testing import absltest

from tests.tools.parity import run_fixture
from tools.parity.claims import measured
from tools.parity.claims import run_claims


def _claims(evaluated=None):
  """Returns a dict from the name of a Claim to the Claim."""
  found = run_claims.claims(
      run_fixture.RUN, saved=run_fixture.SAVED, evaluated=evaluated
  )
  return {claim.what: claim for claim in found}


def _unexplained(found):
  return {claim.what for claim in found if claim.unexplained}


class RunClaimsTest(absltest.TestCase):

  def test_all_hold(self):
    found = _claims()
    self.assertEmpty(_unexplained(found.values()))
    self.assertIs(None, found['precision after 60K steps'].same)
    self.assertIn(
        '0.200 on %d CPUs' % os.cpu_count(),
        found['sec/batch, 1 Tesla K20m'].found,
    )
    self.assertEqual(
        '5.8-10.0',
        found['hours for 60,000 steps, 1 Tesla K20m'].found,
    )

  def test_another_run(self):
    run = run_fixture.RUN._replace(
        output='',
        log=run_fixture.log(20, [4.7 - 0.01 * n for n in range(11)]),
        summaries=(0, 50, 100),
    )
    self.assertEqual(
        {
            '"Filling queue with ... images"',
            'losses of steps 0 to 50',
            'steps between two lines of the log',
            'steps between two summaries',
            'steps between two checkpoints, and a final checkpoint',
        },
        _unexplained(run_claims.claims(run, saved=(0, 1000, 2000))),
    )

  def test_a_run_that_printed_nothing(self):
    self.assertContainsSubset(
        {'losses of steps 0 to 50', 'steps between two lines of the log'},
        _unexplained(
            run_claims.claims(measured.Run('', (), ()), saved=run_fixture.SAVED)
        ),
    )

  def test_precisions(self):
    def same(*evaluated):
      found = _claims(evaluated)
      return [
          found[what].same
          for what in (
              'precision after 60K steps',
              'precision after 100K steps',
              'precision gain of averaged weights (approximate)',
          )
      ]

    self.assertEqual([None, None, True], same(10000, 0.78, 0.75))
    self.assertEqual([True, None, False], same(60000, 0.855, 0.80))
    self.assertEqual([False, False, True], same(100000, 0.83, 0.80))
    found = _claims((100000, 0.7, 0.71))
    self.assertTrue(found['precision after 60K steps'].unexplained)
    self.assertTrue(
        found['precision gain of averaged weights (approximate)'].unexplained
    )
