"""Waits for a trainer's checkpoints and evaluates them."""

import sys

from cifar10_compat.base import errors
from cifar10_compat.training import checkpoints


def once(evaluate_checkpoint, checkpoint_dir):
  """Evaluates the newest checkpoint.

  Args:
    evaluate_checkpoint: function of a checkpoint's path, a str, that returns its
      precision.
    checkpoint_dir: str.

  Returns:
    What evaluate_checkpoint returned.

  Raises:
    CheckpointError: there is no checkpoint, or the directory's list of them
      cannot be read.
    UnusableCheckpointError: evaluate_checkpoint raised it, and the checkpoint is
      still the newest.
  """
  while True:
    path = checkpoints.newest(checkpoint_dir)
    try:
      return evaluate_checkpoint(path)
    except errors.UnusableCheckpointError:
      # A trainer keeps its newest five, and removes an older one.
      if checkpoints.newest(checkpoint_dir) == path:
        raise


def repeatedly(evaluate_checkpoint, checkpoint_dir, *, interval_secs, stop):
  """Evaluates each checkpoint that is the newest when it looks.

  In a run that was begun anew a checkpoint may have the name of an earlier one, and
  is evaluated all the same.  One that is still being copied, is damaged, or is removed
  while it is read is named on stderr, once, and tried again the next time.

  Args:
    evaluate_checkpoint: see once(); it raises UnusableCheckpointError for a
      checkpoint that cannot be read.
    checkpoint_dir: str, need not exist yet.
    interval_secs: number, seconds between two looks.
    stop: signals.StopRequest, ends it.

  Returns:
    What evaluate_checkpoint last returned; None if it never did.
  """
  precision = None
  seen = None
  failed = None
  told = set()

  def tell(what, message, file=sys.stderr):
    if what not in told:
      print(message, file=file, flush=True)
      told.add(what)

  while not stop.requested:
    try:
      path = checkpoints.latest(checkpoint_dir)
    except errors.CheckpointError as e:
      tell('list', 'still waiting: %s' % e)
    else:
      told.discard('list')  # Should it happen again, it is said again.
      if path is None:
        tell(
            'none',
            'Waiting for a first checkpoint in %s.' % checkpoint_dir,
            file=sys.stdout,
        )
      elif (found := (path, checkpoints.identity(path))) != seen:
        try:
          precision = evaluate_checkpoint(path)
          seen = found
        except errors.UnusableCheckpointError as e:
          tell(path, 'not evaluated, still waiting: %s' % e)
          if path != failed:
            failed = path
            continue  # A trainer may have removed it for the newer ones' sake.
    stop.wait(interval_secs)
  return precision
