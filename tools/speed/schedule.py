"""Determines the order of runs: A B A B, with a warm-up as the first round."""

# The warm-up round, which fills the page cache and raises the processor's clock
# speed.
WARM_UP_ROUND = 0


def order(commands, rounds):
  """Returns the runs of all rounds, in order.

  Each round runs every contestant of every measurement once.  The two runs of a
  ratio are therefore only minutes apart, and if the measurement ends early, all
  previous rounds are complete.

  Args:
    commands: dict from measurement to a dict from contestant to any value.
    rounds: int, number of rounds after the warm-up.

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
  """Returns the runs of order() that are not finished.

  Args:
    commands, rounds: see order().
    done: set of (round, measurement, contestant).
  """
  return [run for run in order(commands, rounds) if run not in done]
