"""The ledger of claims, from our graph and a run made by hand."""

from datetime import datetime
import sys
from unittest import mock

import tensorflow.compat.v1 as tf

from tests.tools.editions import fake_runtime
from tests.tools.editions import historical_fixture
from tests.tools.parity import side_fixture
from tools.base import training_graph
from tools.base import training_log
from tools.editions import environments
from tools.editions import scripts
from tools.parity import ledger
from tools.parity.claims import measured
from tools.parity.claims import original
from tools.parity.claims import stated

# What the log of a run of 201 steps says in short.
_LOSSES = (4.68, 4.66, 4.64, 4.62, 4.61, 4.59) + 15 * (4.5,)


def _log(every, losses):
  """Returns log lines every so many steps."""
  return [
      training_log.Line(datetime.now(), every * n, loss, 640.0, 0.2)
      for n, loss in enumerate(losses)
  ]


_RUN = measured.Run(
    'Filling queue with 20000 CIFAR images before starting to train.',
    _log(10, _LOSSES),
    (0, 100, 200),
)
_SAVED = (0, 1000, 2000, 2001)

# The claims of 2016 that do not hold, on any machine.
_NOT_SAME = {
    'multiply-adds of one image',
    'ops of the training graph, about',
    'hours for 60,000 steps, 1 Tesla K20m',
    'hours for 100,000 steps, 1 Tesla K40m',
    'hours for 30,000 steps, 2 Tesla K20m',
    'sec/batch of step 0',
}


class ClaimsTest(tf.test.TestCase):

  def test_as_it_is(self):
    data_dir = side_fixture.data_dir(self)
    with training_graph.Training(training_graph.ours(data_dir)) as training:
      claims, counted = ledger.claims(training, run=_RUN, saved=_SAVED)
    self.assertEqual(sorted(stated.names()), sorted(c.what for c in claims))
    self.assertEqual(_NOT_SAME, {c.what for c in claims if c.same is False})
    self.assertEmpty([c for c in claims if c.unexplained])
    found = {c.what: c for c in claims}
    self.assertEqual('1,068,298', found['parameters'].found)
    self.assertIn('19,512,576', found['multiply-adds of one image'].why)
    self.assertEqual('4.676', found['loss of step 0, to be expected'].found)
    content = ledger.section(claims, counted)
    self.assertEqual(0, content['unexplained'])
    self.assertIn('6 are not', content['text'][0])

  def test_section_counts_what_nothing_explains(self):
    claims = [stated.equal('random crop', (1, 2, 3))]
    self.assertEqual(1, ledger.section(claims, [])['unexplained'])
    self.assertIn('UNEXPLAINED', ledger.rows(claims)[0])


class ProgramTest(tf.test.TestCase):

  def test_a_run_without_a_checkpoint(self):
    data_dir = side_fixture.data_dir(self)
    train_dir = self.create_tempdir().full_path
    with mock.patch('builtins.print') as printed:
      self.assertEqual(
          1, ledger.main(['--data_dir=' + data_dir, '--our_run=' + train_dir])
      )
      self.assertIn('has no checkpoint', printed.call_args[0][0])

  def test_command_line(self):
    with mock.patch('builtins.print') as printed:
      for arguments, message in (
          ([], '--data_dir'),
          (['--data_dir=/no/such'], '/no/such'),
      ):
        self.assertEqual(1, ledger.main(arguments))
        printed.assert_called_once()
        self.assertStartsWith(printed.call_args[0][0], 'ledger: error: ')
        self.assertIn(message, printed.call_args[0][0])
        self.assertIs(sys.stderr, printed.call_args[1]['file'])
        printed.reset_mock()

  def test_source_without_a_runtime(self):
    with mock.patch('builtins.print') as printed:
      self.assertEqual(1, ledger.main(['--data_dir=/data', '--source=/old']))
    self.assertIn(
        '--source=/old is for a TensorFlow of the time', printed.call_args[0][0]
    )

  def test_on_a_tensorflow_of_the_time(self):
    data_dir = side_fixture.data_dir(self)
    environment = environments.Environment(fake_runtime.RUNTIME, '/environment')
    counted = original.Counted('0.12.1', 'a test', {'Const': 865})
    with (
        mock.patch.object(environments, 'make', return_value=environment),
        mock.patch.object(
            scripts, 'find_edition', return_value=historical_fixture.OLD
        ),
        mock.patch.object(original, 'count', return_value=counted) as count,
        mock.patch.object(ledger, 'make', return_value=([], [])) as make,
        mock.patch('builtins.print'),
    ):
      ledger.main(
          ['--data_dir=' + data_dir, '--runtime=0.12.1', '--source=/old']
      )
    count.assert_called_once_with(
        '/old', environment, historical_fixture.OLD, data_dir
    )
    self.assertIs(counted, make.call_args[1]['on_original'])

  def test_table(self):
    claim = stated.Claim('a', 'b', '1', '2', 'c', False, '')
    data_dir = side_fixture.data_dir(self)
    with (
        mock.patch.object(ledger, 'make', return_value=([claim], [])),
        mock.patch('builtins.print') as printed,
    ):
      self.assertEqual(1, ledger.main(['--data_dir=' + data_dir]))
    text = '\n'.join(call[0][0] for call in printed.call_args_list)
    self.assertRegex(text, r'\na +1 +2 +no +UNEXPLAINED +c +b\n')
    self.assertIn('1 of those that are not the same have no reason', text)
