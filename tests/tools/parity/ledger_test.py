"""The ledger of claims, from the port's graph and a run made by hand."""

from unittest import mock

from absl.testing import parameterized
import tensorflow.compat.v1 as tf

from tests.helpers import tool_program
from tests.tools.editions import fake_runtime
from tests.tools.editions import historical_fixture
from tests.tools.parity import run_fixture
from tests.tools.parity import side_fixture
from tools.base import training_graph
from tools.editions import environments
from tools.editions import scripts
from tools.parity import ledger
from tools.parity.claims import original
from tools.parity.claims import stated

# The claims of 2016 that do not hold on any machine.
_NOT_SAME = {
    'multiply-adds of one image',
    'ops of the training graph (approximate)',
    'hours for 60,000 steps, 1 Tesla K20m',
    'hours for 100,000 steps, 1 Tesla K40m',
    'hours for 30,000 steps, 2 Tesla K20m',
    'sec/batch of step 0',
}


class ClaimsTest(tf.test.TestCase):

  def test_as_it_is(self):
    data_dir = side_fixture.data_dir(self)
    with training_graph.Training(training_graph.ours(data_dir)) as training:
      claims, counted = ledger.claims(
          training, run=run_fixture.RUN, saved=run_fixture.SAVED
      )
    self.assertEqual(sorted(stated.names()), sorted(c.what for c in claims))
    self.assertEqual(_NOT_SAME, {c.what for c in claims if c.same is False})
    self.assertEmpty([c for c in claims if c.unexplained])
    found = {c.what: c for c in claims}
    self.assertEqual('1,068,298', found['parameters'].found)
    self.assertIn('19,512,576', found['multiply-adds of one image'].why)
    self.assertEqual('4.676', found['expected loss at step 0'].found)
    content = ledger.section(claims, counted)
    self.assertEqual(0, content['unexplained'])
    self.assertIn('6 are different', content['text'][0])

  def test_section_counts_unexplained_claims(self):
    claims = [stated.equal('random crop', (1, 2, 3))]
    self.assertEqual(1, ledger.section(claims, [])['unexplained'])
    self.assertIn('UNEXPLAINED', ledger.rows(claims)[0])


class ProgramTest(parameterized.TestCase, tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.data_dir = side_fixture.data_dir(self)

  @parameterized.parameters(
      ([], '--data_dir'),
      (['--data_dir=/no/such'], '/no/such'),
      (['--data_dir={}', '--our_run={}'], 'has no checkpoint'),
      (
          ['--data_dir={}', '--source=/old'],
          '--source=/old needs --runtime',
      ),
  )
  def test_bad_input(self, arguments, message):
    tool_program.assert_refused(
        self,
        ledger.main,
        [a.format(self.data_dir) for a in arguments],
        'ledger: ',
        message,
    )

  def test_on_an_old_tensorflow(self):
    environment = environments.Environment(fake_runtime.RUNTIME, '/environment')
    counted = original.Counted('0.12.1', 'a test', {'Const': 865})
    with (
        mock.patch.object(environments, 'make', return_value=environment),
        mock.patch.object(
            scripts, 'find_edition', return_value=historical_fixture.OLD
        ),
        mock.patch.object(original, 'count', return_value=counted) as count,
        mock.patch.object(ledger, 'make', return_value=([], [])) as make,
    ):
      tool_program.run(
          ledger.main,
          '--data_dir=' + self.data_dir,
          '--runtime=0.12.1',
          '--source=/old',
      )
    count.assert_called_once_with(
        environment, '/old', historical_fixture.OLD, self.data_dir
    )
    self.assertIs(counted, make.call_args[1]['on_original'])

  def test_table(self):
    claim = stated.Claim('a', 'b', '1', '2', 'c', False, '')
    with mock.patch.object(ledger, 'make', return_value=([claim], [])):
      ran = tool_program.run(ledger.main, '--data_dir=' + self.data_dir)
    self.assertEqual(1, ran.code)
    self.assertRegex(ran.out, r'\na +1 +2 +no +UNEXPLAINED +c +b\n')
    self.assertIn('Differences without a reason: 1.', ran.out)
