"""Runs a program of the port, into which faults can be planted.

  python -m tools.robustness.faults.child PROGRAM PLANTS FLAGS

The program runs as users start it, with three exceptions: it logs every step,
  saves every SAVE_EVERY steps instead of every 1,000, and reports the restored
  state: "restored STEP DIGEST RATE", with the digest() of all variables and the
  learning rate.  PLANTS are comma-separated names of functions in the dict
  PLANTS, each followed by a colon and a number if the function needs a number;
  '-' means no plants.
"""

import dataclasses
import functools
import hashlib
import importlib
import itertools
import os
import sys
import tempfile
import threading
import time

SAVE_EVERY = 20


def digest(values):
  """Returns a digest of named arrays.

  Args:
    values: dict from name, str, to array.
  """
  result = hashlib.sha256()
  for name in sorted(values):
    result.update(name.encode())
    result.update(values[name].tobytes())
  return result.hexdigest()[:16]


def _observe(tf, hooks):
  """Makes a trainer report the state that it restored."""
  created = hooks.StepHook.after_create_session

  def after_create_session(self, session, coord):
    created(self, session, coord)
    values = session.run({v.op.name: v for v in tf.global_variables()})
    rate = session.run('ExponentialDecay:0')
    print('restored %d %s %r' % (self.after, digest(values), float(rate)))

  hooks.StepHook.after_create_session = after_create_session


def _work_more_often(program):
  """Makes a trainer log every step, and save every SAVE_EVERY steps."""
  main = program.main

  @functools.wraps(main)
  def main_of_often(config, stop):
    if hasattr(config, 'log_steps'):
      config = dataclasses.replace(
          config, log_steps=1, checkpoint_steps=SAVE_EVERY
      )
    main(config, stop)

  program.main = main_of_often


def _factor(tf, step, value):
  """Returns a tensor that is `value` at one step and 1 at all other steps."""
  now = tf.equal(tf.train.get_global_step(), step)
  return tf.where(now, tf.constant(value), tf.constant(1.0))


def nan_loss(tf, program, step):
  """Makes the loss NaN at a step."""
  loss = program.cifar10.loss
  program.cifar10.loss = lambda logits, labels: loss(
      logits * _factor(tf, step, float('nan')), labels
  )


def infinite_gradient(tf, program, step):
  """Makes a gradient infinite at a step."""
  apply = tf.train.Optimizer.apply_gradients

  def apply_gradients(self, grads_and_vars, global_step=None, name=None):
    (gradient, variable), *others = grads_and_vars
    gradient *= _factor(tf, step, float('inf'))
    return apply(self, [(gradient, variable), *others], global_step, name)

  tf.train.Optimizer.apply_gradients = apply_gradients


def infinite_variable(tf, program, step):
  """Makes a bias infinite after a step."""
  hook = program.hooks.StepHook
  begin, after_run = hook.begin, hook.after_run

  def begin_with_poison(self):
    begin(self)
    biases = [v for v in tf.trainable_variables() if 'softmax' in v.op.name]
    self.poison = tf.assign_add(biases[-1], biases[-1] * 0 + float('inf'))

  def poison(self, run_context, run_values):
    after_run(self, run_context, run_values)
    if self.before == step:
      run_context.session.run(self.poison)

  hook.begin, hook.after_run = begin_with_poison, poison


def pipe(tf, program, _):
  """Makes the trainer read images from a pipe without a writer."""
  path = os.path.join(tempfile.mkdtemp(), 'pipe')
  os.mkfifo(path)
  producer = tf.train.string_input_producer
  tf.train.string_input_producer = lambda names, **kwargs: producer(
      [path], **kwargs
  )


def no_threads(tf, program, _):
  """Leaves all queues unfilled, as if start_queue_runners() were missing."""
  tf.train.QueueRunner.create_threads = lambda self, *args, **kwargs: []


def ended_threads(tf, program, elements):
  """Ends each thread after this many elements, without closing its queue."""

  def run(self, sess, enqueue_op, coord=None):
    try:
      for _ in range(elements):
        sess.run(enqueue_op)
    except tf.errors.OpError:
      pass  # The session is closed.

  tf.train.QueueRunner._run = run


def stuck_op(tf, program, calls):
  """Makes an op in the distortion pipeline hang after this many calls."""
  passed = itertools.count()

  def pass_or_wait(image):
    if next(passed) >= calls:
      threading.Event().wait()
    return image

  flip = tf.image.random_flip_left_right

  def flip_or_wait(image, seed=None):
    gate = tf.py_func(pass_or_wait, [image], image.dtype, name='stuck')
    gate.set_shape(image.shape)
    return flip(gate, seed)

  tf.image.random_flip_left_right = flip_or_wait


def crossed_queues(tf, program, _):
  """Makes two queues fill each other, and batches wait for both."""
  shuffle_batch = tf.train.shuffle_batch

  def crossed(*args, **kwargs):
    one, other = [tf.FIFOQueue(3, [tf.int32], [[]], name=n) for n in 'ab']
    for queue, source in ((one, other), (other, one)):
      tf.train.add_queue_runner(
          tf.train.QueueRunner(queue, [queue.enqueue(source.dequeue())])
      )
    batch = shuffle_batch(*args, **kwargs)
    with tf.control_dependencies([one.dequeue()]):
      return [tf.identity(t) for t in batch]

  tf.train.shuffle_batch = crossed


def jumping_clock(tf, program, _):
  """Makes the clock jump a day forward or back each time it is read."""
  jumps, clock = itertools.cycle([0, 86400, -86400]), time.time
  time.time = lambda: clock() + next(jumps)


def no_lock(tf, program, _):
  """Mutant: the trainer does not lock its train_dir."""
  contextlib = importlib.import_module('contextlib')
  train_dirs = importlib.import_module('cifar10_compat.training.train_dirs')
  train_dirs._locked = lambda path: contextlib.nullcontext()


def torn_save(tf, program, _):
  """Mutant: lists a checkpoint first, and then writes it slowly in place."""
  save = tf.train.Saver.save

  def torn(self, session, path, global_step):
    with tempfile.TemporaryDirectory() as scratch:
      saved = save(self, session, os.path.join(scratch, 'c'), global_step)
      path = '%s-%d' % (path, global_step)
      tf.train.update_checkpoint_state(os.path.dirname(path), path, [path])
      for end in ('.index', '.meta', '.data-00000-of-00001'):
        with open(saved + end, 'rb') as f, open(path + end, 'wb', 0) as copy:
          while chunk := f.read(1 << 20):
            copy.write(chunk)
            time.sleep(0.02)

  tf.train.Saver.save = torn


def no_repair(tf, program, _):
  """Mutant: a restarted chief does not restore the tokens of a lost update."""
  sync = importlib.import_module('cifar10_compat.distributed.sync')
  heartbeats = importlib.import_module('cifar10_compat.distributed.heartbeats')
  heartbeats.Stall.found = lambda self, *args: False
  created = sync.SyncHook.after_create_session

  def after_create_session(self, session, coord):
    if self._chief:
      self._chief.found_in_use = False
    created(self, session, coord)

  sync.SyncHook.after_create_session = after_create_session


PLANTS = {
    f.__name__: f
    for f in (
        nan_loss,
        infinite_gradient,
        infinite_variable,
        pipe,
        no_threads,
        ended_threads,
        stuck_op,
        crossed_queues,
        jumping_clock,
        no_lock,
        torn_save,
        no_repair,
    )
}


def main(program_name, plants, *flags):
  """Runs a program.

  Args:
    program_name: str, such as 'cifar10_train'.
    plants: str, see the module's docstring.
    *flags: str, the program's flags.
  """
  sys.argv = [program_name + '.py', *flags]
  # Import the program first: it installs signal handlers before it imports
  # TensorFlow.
  program = importlib.import_module('cifar10_compat.' + program_name)
  hooks = sys.modules.get('cifar10_compat.training.hooks')
  if hooks:
    _observe(program.tf, hooks)
    _work_more_often(program)
  for plant in plants.split(',') if plants != '-' else ():
    name, _, number = plant.partition(':')
    PLANTS[name](program.tf, program, int(number or 0))
  program.console_main()


def console_main():
  """Runs the program that the command line names."""
  main(*sys.argv[1:])


if __name__ == '__main__':
  console_main()
