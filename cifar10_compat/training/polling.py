"""Lets an evaluator wait for what a trainer will write, or is just writing."""

from collections.abc import Iterator
import contextlib
import sys

from cifar10_compat import config as config_lib
from cifar10_compat.base import errors
from cifar10_compat.data import checks
from cifar10_compat.training import checkpoints


class Poll:
  """Tells which errors of an evaluation pass, and how long to wait then.

  Attributes:
    secs: number, how long to wait until the next attempt.
  """

  def __init__(
      self, config: config_lib.Eval, input_files: checks.CheckedFiles
  ) -> None:
    """Polls config.checkpoint_dir, which need not exist yet.

    Args:
      config: the evaluator's settings.
      input_files: the images, which may change in the days between two attempts.
    """
    self._config = config
    self._input_files = input_files
    self._told: set[str] = set()
    self._failed: str | None = None

  @contextlib.contextmanager
  def attempt(self) -> Iterator[None]:
    """Context for an evaluation of the newest checkpoint.

    Where no checkpoint is there yet, or it is still being copied, is damaged, or is
    removed while it is read, that is told once, and the next attempt will see.  A
    single evaluation is tried again only if there is a newer checkpoint by then.

    Raises:
      NoCheckpointError, CheckpointListError, UnusableCheckpointError: of a single
        evaluation.
      DataError: the images changed.
    """
    self.secs = self._config.eval_interval_secs
    self._input_files.check()
    try:
      yield
      self._input_files.check()
      self._told.discard('list')  # Should it happen again, it is said again.
    except (errors.NoCheckpointError, errors.MissingListError):
      if self._config.run_once:
        raise
      self._tell(
          'none',
          f'Waiting for a first checkpoint in {self._config.checkpoint_dir}.',
          to_stderr=False,
      )
    except errors.CheckpointListError as e:
      if self._config.run_once:
        raise
      self._tell('list', f'still waiting: {e}')
    except errors.UnusableCheckpointError as e:
      path = e.path
      if self._config.run_once:
        # A trainer keeps its newest five, and removes an older one.
        if checkpoints.newest(self._config.checkpoint_dir).path == path:
          raise
        self.secs = 0
        return
      self._tell(path, f'not evaluated, still waiting: {e}')
      if path != self._failed:
        self._failed = path
        self.secs = 0  # It may have been removed for a newer one's sake.

  def _tell(self, what: str, message: str, *, to_stderr: bool = True) -> None:
    if what not in self._told:
      print(message, file=sys.stderr if to_stderr else sys.stdout, flush=True)
      self._told.add(what)
