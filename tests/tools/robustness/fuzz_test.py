"""A minute of damaged image sets; failures are detected."""

import pathlib
import sys
from unittest import mock

from absl.testing import absltest

from tests.helpers import tool_program
from tools.robustness import fuzz
from tools.robustness import fuzz_cases
from tools.robustness import fuzz_strategies


class FuzzTest(absltest.TestCase):

  def _run(self, *args):
    """Runs cases, none of which may fail; returns the output."""
    code, out, err = tool_program.run(fuzz.main, *args)
    print(out)
    self.assertEqual(0, code, err)
    return out

  def test_a_minute(self):
    out = self._run('--seconds=60', '--seed=1')
    # Some sets of each kind are read, and some are rejected.
    for kind in ('records', 'descriptions', 'archives', 'images'):
      (line,) = [l for l in out.splitlines() if l.startswith(kind)]
      cases, read, refused, failed = map(int, line.split()[1:])
      self.assertEqual(cases, read + refused)
      self.assertGreater(min(read, refused), 0)
      self.assertEqual(0, failed)

  def test_half_a_minute_of_search(self):
    out = self._run('--search', '--seconds=30', '--seed=1')
    for kind in fuzz_strategies.KINDS:
      (line,) = [l for l in out.splitlines() if l.startswith(kind)]
      _, read, refused, _ = map(int, line.split()[1:])
      self.assertGreater(min(read, refused), 0, kind)

  def test_search_finds_and_simplifies_a_failure(self):
    strategy, _ = fuzz_strategies.KINDS['TF_CONFIG']

    def fails_on_braces(value, unused_directory):
      if '{' in value:
        raise KeyError('a brace')

    with mock.patch.dict(
        fuzz_strategies.KINDS, {'TF_CONFIG': (strategy, fails_on_braces)}
    ):
      code, out, err = tool_program.run(fuzz.main, '--search', '--cases=600')
    self.assertEqual(1, code)
    # Once in each turn of this kind.
    self.assertRegex(out, '600 cases of seed 0, [1-9] failed')
    self.assertIn("KeyError: 'a brace'", err)
    # The simplest value.
    self.assertRegex(err, r"TF_CONFIG, with seed \d+: '\{'|'{}'")

  def test_cases_are_the_same_again(self):
    for kind in fuzz_strategies.KINDS:
      values = fuzz_strategies.drawn(kind, '1/2', 20)
      self.assertLen(values, 20)
      fuzz_strategies.drawn.cache_clear()
      again = fuzz_strategies.drawn(kind, '1/2', 20)
      # NaN is equal to nothing.
      self.assertEqual(repr(values), repr(again))
      self.assertNotEqual(
          repr(values), repr(fuzz_strategies.drawn(kind, '1/3', 20))
      )

  def test_each_way_of_damage(self):
    for way, expected in (
        ('cut', b'ab'),
        ('insert', b'ab12cdef'),
        ('repeat', b'abcdcdef'),
        ('zero', b'ab\0\0ef'),
        ('flip', b'abgdef'),
        ('overwrite', b'ab12ef'),
        ('replace', b'ab12ef'),
    ):
      self.assertEqual(
          expected, fuzz_cases.damaged(b'abcdef', [(way, 0.34, 2, b'12')]), way
      )

  def test_other_exceptions_and_hangs_fail(self):
    strategy, _ = fuzz_strategies.KINDS['records']

    def raises(unused_value, unused_directory):
      raise KeyError('missing')

    def hangs(unused_value, unused_directory):
      while True:
        pass

    with mock.patch.dict(
        fuzz_strategies.KINDS, {'records': (strategy, raises)}
    ):
      kind, result, report = fuzz.run_case(0, 0)
    self.assertEqual(('records', 'failed'), (kind, result))
    self.assertIn("KeyError: 'missing'", report)
    with (
        mock.patch.dict(fuzz_strategies.KINDS, {'records': (strategy, hangs)}),
        mock.patch.object(fuzz, '_CASE_SECS', 0.1),
    ):
      self.assertEqual('failed', fuzz.run_case(0, 0)[1])

  def test_a_case_that_ends_the_process_fails(self):
    directory = self.create_tempdir().full_path
    pathlib.Path(directory, 'sitecustomize.py').write_text(
        'import os, sys\n'
        'if any(a.startswith("--first=") for a in sys.orig_argv):\n'
        '  os.kill(os.getpid(), 11)\n'
    )
    with mock.patch.object(sys, 'path', [directory] + sys.path):
      code, out, _ = tool_program.run(fuzz.main, '--cases=1')
    self.assertEqual(1, code)
    self.assertIn('case 0 ended its process with exit code -11', out)
