"""The tables of what //tools:torture found."""

import textwrap

import scipy.stats

# One in twenty is the chance that more fail than a table says.
_CONFIDENCE = 0.95
# Of a message: the table's width, in characters.
_WIDTH = 120


def failure_bound(failures, tries):
  """Returns the highest rate of failures that the tries leave likely.

  Args:
    failures, tries: int, how many of how many tries failed.

  Returns:
    float, the upper end of the one-sided 95% interval of Clopper and Pearson:
    with 0 failures of 200, 0.0149.
  """
  test = scipy.stats.binomtest(failures, tries, alternative='less')
  return float(test.proportion_ci(_CONFIDENCE).high)


def outcomes(content):
  """Returns the columns and rows of a table of all faults.

  Args:
    content: dict, of torture.Report.

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
      'example of a message, or of where the fault fell',
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
      textwrap.shorten(said[0], _WIDTH, placeholder=' …') if said else '',
  ]


def mutants(content):
  """Returns the columns and rows of a table of all mutants: see outcomes()."""
  return (
      ['mutant', 'fault injected', 'reported as'],
      [
          [
              '`%s`' % mutant['plant'],
              '`%s`' % mutant['fault'],
              mutant['message'] if mutant['found'] else 'NOT FOUND',
          ]
          for mutant in content['mutants']
      ],
  )
