"""Computes step times from the time stamps of a trainer's log."""

from cifar10_compat.base import errors

from ..base import training_log

_LOG_STEPS = 10
# A trainer writes summaries after each step that is a multiple of this number.
_SUMMARY_STEPS = 100


def sec_per_step(log, first, last):
  """Returns the mean seconds per step, from the log's time stamps.

  Args:
    log: str, a trainer's stdout.
    first, last: int, two logged steps.

  Raises:
    UsageError: the log lacks one of the two steps.
  """
  times = {line.step: line.time for line in training_log.parse(log)}
  if first not in times or last not in times:
    raise errors.UsageError(
        'the log has no step %d or no step %d: --steps must be a multiple of '
        '%d' % (first, last, _LOG_STEPS)
    )
  return (times[last] - times[first]).total_seconds() / (last - first)


def sec_per_step_between_summaries(log):
  """Returns the mean seconds per step, without steps that write summaries.

  A trainer logs step 100 before it writes the summaries of step 100, so the
  steps from 100 to 110 are excluded.

  Args:
    log: str, a trainer's stdout.

  Raises:
    UsageError: no two adjacent lines of the log enclose only steps without
      summaries.
  """
  lines = training_log.parse(log)
  seconds = [
      (after.time - before.time).total_seconds()
      for before, after in zip(lines, lines[1:])
      if before.step % _SUMMARY_STEPS
  ]
  if not seconds:
    raise errors.UsageError(
        'the log must have at least two lines after the first step'
    )
  return sum(seconds) / len(seconds) / _LOG_STEPS


def last_step_without_summaries(steps):
  """Returns the last step of a run in which `steps` steps can be timed.

  Args:
    steps: int, number of steps to time; rounded to tens, at least 10.

  Returns:
    int, the last step, counted from 0.
  """
  intervals = max(1, round(steps / _LOG_STEPS))
  # Of every ten intervals between lines, the first contains a summary.
  with_summary = 1 + (intervals - 1) // (_SUMMARY_STEPS // _LOG_STEPS - 1)
  return (intervals + with_summary) * _LOG_STEPS
