"""The count of ops on an old TensorFlow, and the claim about it."""

import json
import os
from unittest import mock

from absl.testing import absltest

from tests.helpers import record_fixture
from tests.tools.editions import fake_runtime
from tests.tools.editions import historical_fixture
from tools.editions import calls
from tools.editions import environments
from tools.parity.claims import original


class OriginalTest(absltest.TestCase):

  def test_count(self):
    data_dir = self.create_tempdir().full_path
    record_fixture.write_batches(data_dir, *record_fixture.random_images(2))

    def call(environment, name, arguments, *, scratch, what):
      self.assertEqual('/environment', environment.directory)
      self.assertEqual('graph_ops', name)
      self.assertEqual(os.path.abspath('some/source'), arguments['source'])
      self.assertEqual(historical_fixture.OLD.package, arguments['package'])
      self.assertTrue(os.path.isdir(arguments['data_dir']))
      self.assertIn('the graph of a test cannot be built', what)
      with open(os.path.join(arguments['out'], 'ops.json'), 'w') as f:
        json.dump({'Const': 700, 'Add': 65}, f)

    with mock.patch.object(calls, 'call', call):
      found = original.count(
          environments.Environment(fake_runtime.RUNTIME, '/environment'),
          'some/source',
          historical_fixture.OLD,
          data_dir,
      )
    self.assertEqual(
        original.Counted('0.12.1', 'a test', {'Const': 700, 'Add': 65}), found
    )

  def test_claims(self):
    (claim,) = original.claims()
    self.assertIs(None, claim.same)
    self.assertIn('--runtime=0.12.1', claim.why)
    counted = original.Counted('0.12.1', 'a test', {'Const': 800, 'Add': 65})
    (claim,) = original.claims(counted)
    self.assertIs(False, claim.same)
    self.assertFalse(claim.unexplained)
    self.assertEqual('865 (a test on TensorFlow 0.12.1)', claim.found)
    (claim,) = original.claims(counted._replace(ops={'Const': 765}))
    self.assertIs(True, claim.same)
