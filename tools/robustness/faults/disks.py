"""Makes the disks with the programs' files full or read-only."""

import contextlib
import os
import signal
import subprocess

import numpy as np
from PIL import Image

from tests.helpers import limits
from tests.helpers import program
from tools.robustness.faults import attempt
from tools.robustness.faults import child
from tools.robustness.faults import damage
from tools.robustness.faults import trainer

# A checkpoint takes 9 MB, and up to six exist at a time.
_DISK_BYTES = 96 << 20
_END_SECS = 120


@contextlib.contextmanager
def _disk(directory, size):
  """Context that mounts a small disk on a path; can raise Failed."""
  os.makedirs(directory, exist_ok=True)
  with limits.small_disk(directory, size) as done:
    attempt.check(done, 'this system does not permit mounting a tmpfs')
    yield


@contextlib.contextmanager
def _trainer(context, moment):
  """Context of a trainer that has saved twice on a small disk.

  Yields:
    (trainer.Trainer, int): the trainer, and the step of its newest checkpoint.
  """
  made = trainer.Trainer(context.new_directory())
  with _disk(made.train_dir, _DISK_BYTES):
    context.on_end(made.end)
    made.start()
    made.wait_for_step(2 * child.SAVE_EVERY + moment.randrange(40))
    yield made, made.named()


def _remount(directory, option):
  subprocess.run(
      ['mount', '-o', 'remount,' + option, directory],
      check=True,
      capture_output=True,
  )


def _after_trouble(made, before, pattern, *, expected=1):
  """Waits for a trainer to end; returns (step, steps lost, message)."""
  message = attempt.check_one_line(
      made.wait_for_end(_END_SECS, 'the write failed'),
      pattern,
      'the trainer',
      expected=expected,
  )
  named = made.check_named()
  attempt.check(named >= before, 'step %d was listed before the fault' % before)
  last = made.logged()
  lost = 0 if last is None else last + 1 - named
  attempt.check(lost <= child.SAVE_EVERY, '%d steps are lost' % lost)
  return named, lost, message


def full_disk(context, moment):
  """Fills the disk with checkpoints and event files, then frees space.

  In every other trial, the trainer receives a stop signal, and cannot save.
  """
  with _trainer(context, moment) as (made, before):
    limits.fill(made.train_dir)
    expected = 1
    if context.number % 2:
      made.running.process.terminate()
      expected = 128 + signal.SIGTERM
    named, lost, line = _after_trouble(
        made, before, 'No space left', expected=expected
    )
    os.remove(made.path('filling'))
    secs = made.resume(named)
    made.kill()
  return attempt.Recovery(lost, secs, line)


def read_only_disk(context, moment):
  """Makes the disk read-only during training, then writable again."""
  with _trainer(context, moment) as (made, before):
    # Remounting fails while a file is open for writing, as the event file
    # always is.
    if subprocess.run(
        ['mount', '-o', 'remount,ro', made.train_dir], capture_output=True
    ).returncode:
      made.kill()
      named = made.check_named()
      _remount(made.train_dir, 'ro')
      made.start()
    named, lost, line = _after_trouble(made, before, 'Read-only file system')
    _remount(made.train_dir, 'rw')
    secs = made.resume(named)
    made.kill()
  return attempt.Recovery(lost, secs, line)


def file_size_limit(context, moment):
  """Limits the size of each file, as with `ulimit -f`."""
  made = trainer.Trainer(context.new_directory())
  context.on_end(made.end)
  made.start()
  made.wait_for_step(child.SAVE_EVERY + 1)
  made.kill()
  before = made.check_named()
  made.start(preexec_fn=limits.limit_files(moment.randrange(1 << 20, 8 << 20)))
  named, lost, line = _after_trouble(made, before, 'File too large|limit')
  return attempt.Recovery(lost, made.resume(named), line)


def full_disk_of_a_set(context, moment):
  """Lets make_records fill the disk with a data set."""
  root = context.new_directory()
  images = os.path.join(root, 'images')
  for name in ('cat', 'dog'):
    os.makedirs(os.path.join(images, name))
    for i in range(40):
      Image.fromarray(
          np.full((32, 32, 3), moment.randrange(256), np.uint8)
      ).save(os.path.join(images, name, '%d.png' % i))
  there = os.path.join(root, 'set')
  with _disk(there, moment.randrange(16, 160) << 10):
    ended = program.run(
        'make_records',
        '--images=' + images,
        '--out=' + os.path.join(there, 'set'),
        package='tools.images',
    )
  return attempt.Recovery(
      message=attempt.check_one_line(ended, 'No space left', 'make_records')
  )


def full_disk_of_an_export(context, moment):
  """Lets an export fill the disk with a SavedModel."""
  made = damage.trained(context)
  there = os.path.join(context.new_directory(), 'export')
  with _disk(there, moment.randrange(64, 4096) << 10):
    ended = program.run(
        'cifar10_export',
        '--dataset=' + made.data_dir,
        '--checkpoint_dir=' + made.train_dir,
        '--export_dir=' + os.path.join(there, 'model'),
    )
    left = os.listdir(there)
  message = attempt.check_one_line(ended, 'No space left', 'cifar10_export')
  attempt.check('model' not in left, 'an incomplete SavedModel is left')
  return attempt.Recovery(message=message)
