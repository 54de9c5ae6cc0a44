"""A trainer on small images that can be killed, stopped and restarted."""

import glob
import os
import re
import time

import numpy as np
import tensorflow.compat.v1 as tf

from tests.helpers import program
from tests.helpers import record_fixture
from tools.robustness.faults import attempt
from tools.robustness.faults import child

# Time limit for a trainer's start and first step on a busy machine.
START_SECS = 180
_IMAGES = 200

_STEP = re.compile(r': step (\d+), loss')
_RESTORED = re.compile(r'restored (\d+) (\w+) (\S+)')


def read_checkpoint(path, pattern=''):
  """Reads the values of a checkpoint.

  Args:
    path: str, the path of the checkpoint.
    pattern: str, a regular expression for the names to read.

  Returns:
    dict from name, str, to array.

  Raises:
    Failed: the checkpoint cannot be read, or contains a non-finite value.
  """
  try:
    reader = tf.train.load_checkpoint(path)
    values = {
        name: reader.get_tensor(name)
        for name in reader.get_variable_to_shape_map()
        if re.search(pattern, name)
    }
  except Exception as e:  # The reader's exceptions share no base class.
    raise attempt.Failed(
        '%s is listed but cannot be read (%s)' % (os.path.basename(path), e)
    ) from e
  for name, value in values.items():
    attempt.check(np.all(np.isfinite(value)), '%s is non-finite' % name)
  return values


class Trainer:
  """A trainer process that can be restarted, and its directories.

  Attributes:
    data_dir, train_dir: str.
    running: program.Program, or None before the first start.
  """

  def __init__(self, directory, *flags, plants='-'):
    """Writes the images without starting a process.

    Args:
      directory: str, an existing directory.
      *flags: str, the flags for each start.
      plants: str, the plants for each start; see child.py.
    """
    self.data_dir = os.path.join(directory, 'images')
    self.train_dir = os.path.join(directory, 'train')
    os.mkdir(self.data_dir)
    self._dataset = record_fixture.write_set(
        self.data_dir, *record_fixture.random_images(_IMAGES)
    )
    self._flags = flags
    self._plants = plants
    self.running = None

  def start(self, *flags, **kwargs):
    """Starts the trainer and sets `running`; see start_second()."""
    self.running = self.start_second(*flags, **kwargs)

  def start_second(self, *flags, plants=None, **kwargs):
    """Starts another trainer on the same directories.

    Args:
      *flags: str, additional flags.
      plants: str, the plants to use instead of the plants for each start.
      **kwargs: arguments for Popen.

    Returns:
      program.Program.
    """
    return program.Program(
        'child',
        'cifar10_train',
        plants or self._plants,
        '--dataset=' + self.data_dir,
        '--train_dir=' + self.train_dir,
        '--batch_size=8',
        *self._flags,
        *flags,
        package='tools.robustness.faults',
        **kwargs,
    )

  def kill(self):
    """Kills the trainer; returns the last step that it logged, or None."""
    self.running.process.kill()
    self.running.finish()
    return self.logged()

  def logged(self):
    """Returns the last step in the log, or None."""
    steps = [int(m[1]) for m in map(_STEP.search, self._lines()) if m]
    return steps[-1] if steps else None

  def first_logged(self):
    """Returns the first step in the log, or None."""
    return next(
        (int(m[1]) for m in map(_STEP.search, self._lines()) if m), None
    )

  def restored(self):
    """Returns the restored (step, digest, rate), or None if there is none."""
    for match in map(_RESTORED.match, self._lines()):
      if match:
        return int(match[1]), match[2], float(match[3])
    return None

  def _lines(self):
    return [l for l in list(self.running.lines) if l]

  def wait_for_step(self, step=0):
    """Waits until the trainer has logged a given or a later step.

    Raises:
      Failed: the trainer has ended, or takes too long.
    """

    def reached():
      attempt.check(
          self.running.process.poll() is None,
          'the trainer ended: %s'
          % attempt.last_line(
              '\n'.join(l for l in self.running.error_lines if l)
          ),
      )
      return self.logged() is not None and self.logged() >= step

    attempt.wait_until(reached, START_SECS, 'step %d' % step)

  def wait_for_end(self, secs, what):
    """Waits until the trainer ends; returns (exit code, stdout, stderr).

    Raises:
      Failed: the trainer takes too long to end.
    """
    process = self.running.process
    attempt.wait_until(
        lambda: process.poll() is not None, secs, 'the end after ' + what
    )
    return self.running.finish()

  def named(self):
    """Returns the step of the newest checkpoint in `checkpoint`, or None."""
    state = tf.train.get_checkpoint_state(self.train_dir)
    return state and int(state.model_checkpoint_path.rpartition('-')[2])

  def check_named(self):
    """Reads every checkpoint listed in `checkpoint`; the trainer must not run.

    Returns:
      int, the step of the newest checkpoint.

    Raises:
      Failed: a checkpoint cannot be read, or no checkpoint is listed.
    """
    state = tf.train.get_checkpoint_state(self.train_dir)
    attempt.check(state, 'no checkpoint is listed')
    for path in state.all_model_checkpoint_paths:
      read_checkpoint(self.path(os.path.basename(path)))
    return self.named()

  def path(self, name):
    """Returns the path of a file in train_dir."""
    return os.path.join(self.train_dir, name)

  def unfinished(self):
    """Returns the names of the files of an incomplete save, a list of str."""
    begun = glob.glob(os.path.join(self.train_dir, '*.tempstate*'))
    begun += glob.glob(os.path.join(self.train_dir, '*.tmp*'))
    for data in glob.glob(os.path.join(self.train_dir, 'model.ckpt-*.data-*')):
      if not os.path.exists(data.rpartition('.data-')[0] + '.index'):
        begun.append(data)
    return [os.path.basename(p) for p in begun]

  def check_resumed(self, step):
    """Waits until the trainer logs a step, and checks how it resumed.

    Args:
      step: int, the step of the newest checkpoint when the trainer started.

    Raises:
      Failed: the trainer did not resume from this step, or resumed with other
        values.
    """
    self.wait_for_step()
    path = self.path('model.ckpt-%d' % step)
    restored = self.restored()
    attempt.check(
        restored[0] == step and self.first_logged() == step,
        'step %d is saved, but the trainer restored step %d and first logged '
        'step %d' % (step, restored[0], self.first_logged()),
    )
    attempt.check(
        restored[1] == child.digest(read_checkpoint(path)),
        'the variables differ from the checkpoint',
    )
    # The rate is divided by ten after 350 epochs, with batches of 8: see
    # cifar10.train().
    rate = 0.1 * 0.1 ** (step // (_IMAGES // 8 * 350))
    attempt.check(
        np.isclose(rate, restored[2], rtol=1e-5),
        'the learning rate at step %d is %g' % (step, restored[2]),
    )
    left = self.unfinished()
    complete = glob.glob(os.path.join(self.train_dir, 'model.ckpt-*.index'))
    # A save in progress can add one complete or incomplete checkpoint.
    attempt.check(
        len(left) <= 3 and len(complete) <= 7,
        'incomplete or old checkpoints pile up: %s' % left,
    )

  def resume(self, step):
    """Restarts the trainer at a step; returns the seconds until it resumes."""
    begin = time.monotonic()
    self.start()
    self.check_resumed(step)
    return time.monotonic() - begin

  def end(self):
    """Kills the trainer if it is running."""
    if self.running and self.running.process.poll() is None:
      self.running.process.kill()
      self.running.finish()
