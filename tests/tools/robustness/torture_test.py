"""The fault harness: its trials, records and messages."""

import contextlib
import io
import json
import os
import pathlib
import sys
from unittest import mock

from absl.testing import absltest

from tests.helpers import tool_program
from tools.base import processes
from tools.robustness import torture
from tools.robustness.faults import catalogue

_KILL = catalogue.Fault('kill', 'kill -9', None, idle=3, loaded=0)

# Replaces tools/robustness/faults/run.py: trial 1 hangs, with a child process.
_HANGS = r"""
import json, subprocess, sys, time
first, _, last = sys.argv[2].partition('-')
for number in range(int(first), int(last) + 1):
  if number == 1:
    child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(99)'])
    open(sys.argv[1], 'w').write(str(child.pid))
    time.sleep(99)
  print(json.dumps(dict(number=number, survived=True, steps_lost=2, seconds=1.5,
                        message='')), flush=True)
"""


def _outcome(number, survived=True, **changes):
  return dict(
      {
          'number': number,
          'survived': survived,
          'steps_lost': 4 - number,
          'seconds': 1.0 + number,
          'message': 'in training',
      },
      **changes,
  )


class TortureTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self.path = os.path.join(self.create_tempdir().full_path, 'faults.json')

  def _try(self, code, end=float('inf')):
    """Runs the missing trials; returns their numbers."""
    made = []

    def outcomes(fault, first, last, *, loaded):
      self.assertEqual(('kill', False), (fault, loaded))
      for number in range(first, last + 1):
        made.append(number)
        yield _outcome(number)

    with (
        mock.patch.object(torture, 'outcomes', outcomes),
        mock.patch.object(torture.manifest, 'origin', lambda: code),
        contextlib.redirect_stdout(io.StringIO()),
    ):
      torture.try_all(torture.Report(self.path), [_KILL], end)
    return made

  def test_resumes_and_starts_over_for_other_code(self):
    self.assertEqual([0], self._try({'commit': 'a'}, end=0))
    self.assertEqual([1, 2], self._try({'commit': 'a'}))
    self.assertEqual([], self._try({'commit': 'a'}))
    self.assertEqual([0, 1, 2], self._try({'commit': 'b'}))
    rounds = json.loads(pathlib.Path(self.path).read_text())['faults']['kill'][
        'rounds'
    ]
    self.assertLen(rounds, 1)
    self.assertEqual({'commit': 'b'}, rounds[0]['manifest'])
    self.assertLen(rounds[0]['tries'], 3)

  def test_failures(self):
    content = {
        'faults': {
            'kill': {
                'title': 'kill -9',
                'rounds': [
                    {
                        'loaded': True,
                        'tries': [
                            _outcome(0),
                            _outcome(1),
                            _outcome(
                                2,
                                survived=False,
                                steps_lost=None,
                                seconds=None,
                                message='it hangs',
                            ),
                        ],
                    }
                ],
            }
        },
        'mutants': [
            {'plant': 'no_lock', 'found': True},
            {'plant': 'torn_save', 'found': False},
        ],
    }
    self.assertEqual(
        ['kill, trial 2: it hangs', 'mutant torn_save was not detected'],
        torture.failures(content),
    )

  def test_hang_is_a_failure(self):
    pid = self.create_tempfile().full_path

    def command(module, args):
      self.assertEqual('tools.robustness.faults.run', module)
      return [sys.executable, '-c', _HANGS, pid, args[1]]

    with (
        mock.patch.object(torture, '_LIMIT_SECS', 2),
        mock.patch.object(processes, 'command', command),
    ):
      found = list(torture.outcomes('kill', 0, 2))
    self.assertEqual([True, False, True], [o['survived'] for o in found])
    self.assertEqual('did not end within 2 seconds', found[1]['message'])
    # The child process of the trial has ended too.
    status = '/proc/%s/stat' % pathlib.Path(pid).read_text()
    if os.path.exists(status):  # Not reaped.
      self.assertEqual(
          'Z', pathlib.Path(status).read_text().rpartition(')')[2].split()[0]
      )

  def test_list(self):
    self.assertRegex(
        processes.run('tools.robustness.torture', ['--list'], 'no list'),
        r'(?m)^kill +\d+ idle +\d+ under load +Kills a trainer with',
    )

  def test_unknown_faults(self):
    tool_program.assert_refused(
        self,
        torture.main,
        ['--list', '--faults=none'],
        "there is no fault 'none'",
    )
