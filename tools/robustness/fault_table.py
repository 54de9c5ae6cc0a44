"""Computes the tables of the results of //tools:torture."""

import textwrap

import scipy.stats

# The true failure rate exceeds the bound in the table with a probability of 5%.
_CONFIDENCE = 0.95
# Maximum length of a message, in characters.
_WIDTH = 120


def failure_bound(failures, tries):
  """Returns an upper bound on the failure rate.

  Args:
    failures, tries: int, the numbers of failures and of trials.

  Returns:
    float, the upper end of the one-sided 95% Clopper-Pearson interval: 0.0149
    for 0 failures in 200 trials.
  """
  test = scipy.stats.binomtest(failures, tries, alternative='less')
  return float(test.proportion_ci(_CONFIDENCE).high)


def outcomes(content):
  """Returns the columns and rows of a table of all faults.

  Args:
    content: dict, the content of torture.Report.

  Returns:
    (list of str, list of lists of str).
  """
  rows = []
  for entry in content['faults'].values():
    for made in entry['rounds']:
      if made['tries']:
        title = entry['title'] + (', under load' if made['loaded'] else '')
        rows.append([title] + _cells(made['tries']))
  columns = [
      'fault',
      'trials',
      'passed',
      'failure rate below',
      'maximum steps lost',
      'recovery time in seconds, median (maximum)',
      'example of a message, or of the moment of the fault',
  ]
  return columns, rows


def _cells(tries):
  lost = [t['steps_lost'] for t in tries if t['steps_lost'] is not None]
  secs = sorted(t['seconds'] for t in tries if t['seconds'] is not None)
  survived = sum(t['survived'] for t in tries)
  bound = failure_bound(len(tries) - survived, len(tries))
  said = [t['message'] for t in tries if t['message']]
  return [
      '%d' % len(tries),
      '%d' % survived,
      '%.1f%%' % (100 * bound),
      '%d' % max(lost) if lost else '',
      '%.1f (%.1f)' % (secs[len(secs) // 2], secs[-1]) if secs else '',
      _code(textwrap.shorten(said[0], _WIDTH, placeholder=' …'))
      if said
      else '',
  ]


def _code(message):
  """Formats a program's output, even with backticks, as Markdown code."""
  return '`` %s ``' % message if '`' in message else '`%s`' % message


def mutants(content):
  """Returns the columns and rows of the table of mutants, like outcomes()."""
  return (
      ['mutant', 'fault injected', 'reported as'],
      [
          [
              '`%s`' % mutant['plant'],
              '`%s`' % mutant['fault'],
              _code(mutant['message']) if mutant['found'] else 'NOT FOUND',
          ]
          for mutant in content['mutants']
      ],
  )
