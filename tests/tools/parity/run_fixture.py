"""A run of 201 steps, made by hand, in which every claim about a run holds."""

from datetime import datetime

from tools.base import training_log
from tools.parity.claims import measured

# Steps at which the hook saves.
SAVED = (0, 1000, 2000, 2001)


def log(every, losses):
  """Returns a log line every so many steps, one for each loss."""
  return [
      training_log.Line(datetime.now(), every * n, loss, 640.0, 0.2)
      for n, loss in enumerate(losses)
  ]


RUN = measured.Run(
    'Filling queue with 20000 CIFAR images before starting to train.',
    log(10, (4.68, 4.66, 4.64, 4.62, 4.61, 4.59) + 15 * (4.5,)),
    (0, 100, 200),
)
