"""Tests that programs reject input in one line instead of hanging."""

import os
import pathlib
import re
import signal
import sys

import numpy as np
from PIL import Image
import tensorflow.compat.v1 as tf

from tests.helpers import limits
from tests.helpers import program
from tools.base import processes
from tools.robustness.faults import attempt
from tools.robustness.faults import child
from tools.robustness.faults import damage
from tools.robustness.faults import trainer

# Memory limit for predict with an image: TensorFlow alone needs a third of it.
_IMAGE_BYTES = 1200 << 20
_LIMIT_SECS = 120


def refusal(context, moment):
  """Gives a program a flag value, a file or an output that it cannot use."""
  del moment  # Each trial uses the next case.
  what = sorted(_CASES)[context.number % len(_CASES)]
  line = _CASES[what](damage.copy_of_trained(context), context)
  return attempt.Recovery(message='%s: %s' % (what, line))


def _train(made, *args, pattern, **kwargs):
  """Starts a trainer that must reject its input; returns the error."""
  made.start(*args, **kwargs)
  ended = made.wait_for_end(_LIMIT_SECS, 'an error')
  return attempt.check_one_line(ended, pattern, 'the trainer')


def _run(made, name, *args, pattern):
  """Runs another program that must reject its input; returns the error."""
  ended = program.run(
      name,
      '--dataset=' + made.data_dir,
      '--checkpoint_dir=' + made.train_dir,
      *args,
  )
  return attempt.check_one_line(ended, pattern, name)


def _flag(flag, pattern):
  """Returns the case of an invalid trainer flag."""
  return lambda made, context: _train(made, flag, pattern=pattern)


def _replaced(name, way):
  """Returns the case of a replaced file in train_dir or data_dir."""

  def case(made, _):
    path = made.path(name)
    if not os.path.exists(path):
      path = os.path.join(made.data_dir, name)
    attempt.replace(path, way)
    return _train(made, pattern='%s.*is a %s' % (name, way))

  return case


def _num_gpus(made, _):
  ended = program.run(
      'cifar10_multi_gpu_train',
      '--num_gpus=1000000000',
      '--dataset=' + made.data_dir,
      '--train_dir=' + made.train_dir,
  )
  return attempt.check_one_line(ended, 'num_gpus.*64', 'multi_gpu_train')


def _set_unreadable(made, _):
  os.chmod(os.path.join(made.data_dir, 'train.bin'), 0)
  message = _train(
      made,
      pattern='train.bin.*Permission denied',
      preexec_fn=limits.heed_permissions,
  )
  attempt.check('damaged' not in message, message)
  return message


def _in_the_way(made, _):
  # Create a directory at the path of the next checkpoint.
  name = 'model.ckpt-%d.index' % (3 * child.SAVE_EVERY)
  os.mkdir(made.path(name))
  line = _train(made, pattern=re.escape(name))
  attempt.check(
      made.check_named() == 2 * child.SAVE_EVERY,
      'the newest checkpoint has an unexpected step',
  )
  return line


def _renamed(made, _):
  made.start()
  made.wait_for_step(2 * child.SAVE_EVERY + 1)
  os.rename(made.train_dir, made.train_dir + '.renamed')
  ended = made.wait_for_end(_LIMIT_SECS, 'its directory is renamed')
  message = attempt.check_one_line(ended, 'train', 'the trainer')
  attempt.check(
      not os.path.exists(made.train_dir),
      'the trainer created a new directory',
  )
  return message


def _not_finite(made, _):
  """Writes a NaN weight into the newest checkpoint."""
  path = made.path('model.ckpt-%d' % made.named())
  values = trainer.read_checkpoint(path)
  for name in values:
    if name.startswith('softmax_linear/biases'):
      values[name] = np.full_like(values[name], np.nan)
  with tf.Graph().as_default(), tf.Session() as session:
    variables = {k: tf.Variable(v) for k, v in values.items()}
    session.run(tf.global_variables_initializer())
    tf.train.Saver(variables).save(session, path, write_meta_graph=False)
  pattern = 'softmax_linear/biases.*NaN'
  _run(
      made,
      'cifar10_eval',
      '--run_once',
      '--eval_dir=' + made.train_dir + '.eval',
      pattern=pattern,
  )
  return _run(made, 'cifar10_predict', _image(made, 32), pattern=pattern)


def _image(made, side):
  path = os.path.join(made.data_dir, 'image.png')
  Image.fromarray(np.zeros((side, side), np.uint8)).save(path)
  return path


def _bomb(made, _):
  ended = processes.finish(
      'cifar10_compat.cifar10_predict',
      [
          '--dataset=' + made.data_dir,
          '--checkpoint_dir=' + made.train_dir,
          _image(made, 13300),
      ],
  )
  err = ended.stderr
  # stderr contains a line per skipped image, and a summary.
  line, _, last = program.without_loader_chatter(err).partition('\n')
  attempt.check('89478485' in line, err)
  attempt.check_one_line(
      (ended.returncode, ended.stdout, last), '1 of 1 files', 'cifar10_predict'
  )
  attempt.check(
      ended.peak_memory_bytes < _IMAGE_BYTES,
      'cifar10_predict used %d MB' % (ended.peak_memory_bytes >> 20),
  )
  return attempt.without_paths(line)


def _long_list(made, context):
  pathlib.Path(made.path('checkpoint')).write_bytes(os.urandom(30 << 20))
  secs = made.resume(2 * child.SAVE_EVERY)
  attempt.check(
      context.loaded or secs < 30,
      'the trainer took %.0f seconds to resume' % secs,
  )
  return 'the trainer resumed from the existing checkpoints'


def _shell(made, tail):
  """Trains in a shell pipeline; returns (exit code, stdout, stderr)."""
  ended = processes.finish_command(
      ['bash', '-c', '"$0" -m cifar10_compat.cifar10_train "$@" ' + tail]
      + [sys.executable, '--dataset=' + made.data_dir]
      + ['--train_dir=' + made.train_dir, '--batch_size=8'],
      limit_secs=_LIMIT_SECS,
  )
  err = program.without_loader_chatter(ended.stderr)
  return ended.returncode, ended.stdout, err


def _head(made, _):
  code, _, err = _shell(made, '| head -n 2; exit "${PIPESTATUS[0]}"')
  attempt.check(
      code == 128 + signal.SIGPIPE and not err,
      'exit code %d and %r' % (code, err),
  )
  return 'exit code %d, no output' % code


def _full_output(made, _):
  ended = _shell(made, '> /dev/full')
  return attempt.check_one_line(ended, 'No space left', 'the trainer')


_CASES = {
    '--batch_size=1000000000': _flag(
        '--batch_size=1000000000', 'batch_size.*65536'
    ),
    '--num_gpus=1000000000': _num_gpus,
    '--queue_fraction=nan': _flag(
        '--queue_fraction=nan', 'queue_fraction.*nan'
    ),
    'a directory where the next checkpoint belongs': _in_the_way,
    'an image of 13,300 x 13,300 pixels': _bomb,
    'a list of checkpoints of 30 MB of garbage': _long_list,
    'an image file without read permission': _set_unreadable,
    **{
        '%s is a %s' % (name, way): _replaced(name, way)
        for name, way in (
            ('dataset.json', 'directory'),
            ('dataset.json', 'pipe'),
            ('image_set.json', 'pipe'),
        )
    },
    'output to /dev/full': _full_output,
    'output to head': _head,
    'train_dir is renamed': _renamed,
    'weights that are NaN': _not_finite,
}
