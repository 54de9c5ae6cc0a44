"""Damages checkpoints and the checkpoint list between two runs."""

import glob
import os
import pathlib
import re
import shutil

import numpy as np
from PIL import Image

from tests.helpers import limits
from tests.helpers import program
from tools.robustness.faults import attempt
from tools.robustness.faults import child
from tools.robustness.faults import trainer


def copy_of_trained(context):
  """Returns a trainer.Trainer with three checkpoints, in new directories.

  Args:
    context: run.Context.
  """
  made = trainer.Trainer(context.new_directory())
  shutil.copytree(trained(context).train_dir, made.train_dir)
  context.on_end(made.end)
  return made


def trained(context):
  """Returns a trainer.Trainer with three checkpoints, shared by all trials."""

  def train():
    made = trainer.Trainer(context.new_directory())
    made.start('--max_steps=%d' % (2 * child.SAVE_EVERY))
    code, _, err = made.wait_for_end(trainer.START_SECS, 'two saves')
    attempt.check(not code, err)
    return made

  return context.keep('trained', train)


def _damage_file(path, moment):
  """Damages a file in a random way; returns the name of the way."""
  content = bytearray(pathlib.Path(path).read_bytes())
  at = moment.randrange(len(content))
  way = moment.choice(['cut', 'flipped', 'zeroed', 'gone', 'directory', 'pipe'])
  if way == 'cut':
    del content[at:]
  elif way == 'flipped':
    content[at] ^= 1 << moment.randrange(8)
  elif way == 'zeroed':
    content[at : at + 4096] = bytes(len(content[at : at + 4096]))
  attempt.replace(path, way)
  if way in ('cut', 'flipped', 'zeroed'):
    pathlib.Path(path).write_bytes(content)
  return way


def _readable(path, pattern=''):
  """Returns whether a checkpoint is readable, without blocking on a pipe.

  Args:
    path: str, the path of the checkpoint.
    pattern: str, a regular expression for the names of the values to read.
  """
  if not all(
      os.path.isfile(path + end) for end in ('.index', '.data-00000-of-00001')
  ):
    return False
  try:
    trainer.read_checkpoint(path, pattern)
    return True
  except attempt.Failed:
    return False


def _evaluate(made):
  """Evaluates and predicts; returns [(name, (exit code, stdout, stderr))]."""
  image = os.path.join(made.data_dir, 'image.png')
  Image.fromarray(np.zeros((32, 32, 3), np.uint8)).save(image)
  programs = (
      (
          'cifar10_eval',
          '--run_once',
          '--eval_dir=' + made.train_dir + '.eval',
          '--batch_size=8',
          '--num_examples=8',
      ),
      ('cifar10_predict', image),
  )
  directories = (
      '--dataset=' + made.data_dir,
      '--checkpoint_dir=' + made.train_dir,
  )
  return [
      (name, program.run(name, *args, *directories)) for name, *args in programs
  ]


def damaged_checkpoint(context, moment):
  """Truncates, alters, removes or replaces a file of the newest checkpoint."""
  made = copy_of_trained(context)
  newest = made.path('model.ckpt-%d' % made.named())
  path = moment.choice(sorted(glob.glob(glob.escape(newest) + '.*')))
  way = _damage_file(path, moment)
  what = '%s %s' % (path.rpartition('.')[2].partition('-')[0], way)
  readable = _readable(newest)
  # The evaluators read only the moving averages.
  evaluated = _readable(newest, 'ExponentialMovingAverage$')
  for name, ended in _evaluate(made):
    if evaluated:
      attempt.check(ended[0] == 0, f'{what}, {name}: {ended[2]}')
    else:
      attempt.check_one_line(ended, os.path.basename(newest), f'{what}, {name}')
  step = (2 if readable else 1) * child.SAVE_EVERY
  secs = made.resume(step)
  said = [l for l in made.running.lines if l and 'resuming from' in l]
  made.kill()
  attempt.check(
      readable
      or said
      and all(
          'model.ckpt-%d' % (n * child.SAVE_EVERY) in said[0] for n in (1, 2)
      ),
      '%s: the trainer resumed and printed %s' % (what, said),
  )
  return attempt.Recovery(2 * child.SAVE_EVERY - step, secs, what)


def damaged_list(context, moment):
  """Damages or removes `checkpoint`, or makes it list another directory."""
  made = copy_of_trained(context)
  path = made.path('checkpoint')
  way = moment.choice(
      [
          'empty',
          'garbage',
          'cut',
          'gone',
          'directory',
          'pipe',
          'link',
          'outside',
      ]
  )
  whole = pathlib.Path(path).read_bytes()
  attempt.replace(path, way)
  contents = {
      'empty': b'',
      'garbage': moment.randbytes(moment.randrange(1, 5000)),
      'cut': whole[: moment.randrange(len(whole))],
      'outside': b'model_checkpoint_path: "/nowhere/model.ckpt-7"\n',
  }
  if way in contents:
    pathlib.Path(path).write_bytes(contents[way])
  refused = [(name, ended) for name, ended in _evaluate(made) if ended[0]]
  for name, ended in refused:
    attempt.check_one_line(ended, 'checkpoint', f'`checkpoint` {way}, {name}')
  made.start()
  if way == 'directory':
    attempt.check_one_line(
        made.wait_for_end(trainer.START_SECS, way),
        r'checkpoint is a directory\): move it away',
        'the trainer',
    )
    os.rmdir(path)
    made.start()
  made.wait_for_step()
  step = made.first_logged()
  made.kill()
  # A truncated list can still contain an earlier checkpoint.
  attempt.check(
      step == 2 * child.SAVE_EVERY or way == 'cut',
      '`checkpoint` %s: the trainer resumed from %d' % (way, step),
  )
  return attempt.Recovery(
      2 * child.SAVE_EVERY - step,
      None,
      '%s: eval and predict %s' % (way, 'reject it' if refused else 'read it'),
  )


def pruned_under_evaluator(context, moment):
  """Lets the trainer delete checkpoints that the evaluator has found.

  Meanwhile, train_dir disappears and reappears, and the clock jumps.
  """
  made = trainer.Trainer(context.new_directory())
  context.on_end(made.end)
  made.start()
  made.wait_for_step(child.SAVE_EVERY + 1)
  evaluator = program.Program(
      'child',
      'cifar10_eval',
      'jumping_clock',
      '--dataset=' + made.data_dir,
      '--checkpoint_dir=' + made.train_dir,
      '--eval_dir=' + made.train_dir + '.eval',
      '--eval_interval_secs=0',
      '--batch_size=8',
      '--num_examples=8',
      package='tools.robustness.faults',
  )
  try:

    def evaluated():
      return sum(bool(l and 'precision' in l) for l in list(evaluator.lines))

    def wait_for(count):
      attempt.wait_until(
          lambda: evaluated() >= count or evaluator.process.poll() is not None,
          trainer.START_SECS,
          'evaluation %d' % count,
      )
      attempt.check(evaluator.process.poll() is None, 'the evaluator ended')

    wait_for(3 + moment.randrange(5))
    # Stop the trainer first: it cannot continue without its directory.
    made.kill()
    os.rename(made.train_dir, made.train_dir + '.away')
    attempt.wait_until(
        lambda: any(
            l and 'Waiting for the first' in l for l in list(evaluator.lines)
        ),
        trainer.START_SECS,
        'its wait for a directory',
    )
    os.rename(made.train_dir + '.away', made.train_dir)
    made.start()
    wait_for(evaluated() + 2)
  finally:
    evaluator.process.terminate()
    code, _, err = evaluator.finish()
  made.kill()
  attempt.check(
      code == 143 and 'Traceback' not in err,
      'exit code %s and %r' % (code, err),
  )
  return attempt.Recovery(
      message='%d evaluations, %d checkpoints deleted meanwhile'
      % (evaluated(), len(re.findall('^not evaluated', err, re.MULTILINE)))
  )


def unreadable_for_now(context, moment):
  """Makes a file of the newest checkpoint unreadable for a while."""
  made = copy_of_trained(context)
  step = made.named()
  path = moment.choice(sorted(glob.glob(made.path(f'model.ckpt-{step}.[di]*'))))
  os.chmod(path, 0)
  made.start(preexec_fn=limits.heed_permissions)
  message = attempt.check_one_line(
      made.wait_for_end(trainer.START_SECS, 'a denied read'),
      'Permission denied',
      'the trainer',
  )
  os.chmod(path, 0o644)
  return attempt.Recovery(0, made.resume(step), message)
