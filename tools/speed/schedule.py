"""In what order things are measured: A B A B, the first round a warm-up."""

# What was run first is warm in the page cache, and the processor in its clock.
WARM_UP_ROUND = 0


def order(commands, rounds):
  """Returns all runs in turn.

  Each round runs every contestant of every measurement once, so that what is
  divided was run within minutes, and an early end leaves complete rows.

  Args:
    commands: dict from measurement to a dict from contestant to anything.
    rounds: int, how many count, after the warm-up.

  Returns:
    list of (round, measurement, contestant).
  """
  return [
      (number, measurement, contestant)
      for number in range(WARM_UP_ROUND, rounds + 1)
      for measurement, contestants in commands.items()
      for contestant in contestants
  ]


def left(commands, rounds, done):
  """Returns the runs of order() that are not done.

  Args:
    commands, rounds: see order().
    done: set of (round, measurement, contestant).
  """
  return [run for run in order(commands, rounds) if run not in done]
