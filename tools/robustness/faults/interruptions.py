"""Kills or stops a trainer at a random moment."""

import signal
import time

from tests.helpers import program
from tools.robustness.faults import attempt
from tools.robustness.faults import child
from tools.robustness.faults import damage
from tools.robustness.faults import trainer

# The intervals in seconds from which the time of a fault is drawn, on an idle
# and on a loaded machine.  Within these intervals, a trainer loads TensorFlow,
# restores, fills its queue and trains.
_MOMENT_SECS = {False: 7.0, True: 21.0}
# The approximate duration of a save, in seconds.
_SAVE_SECS = 0.06
# Maximum number of saves in which to hit one that lasts as long as the drawn
# delay.
_SAVES = 200
# Time limits from a signal to the exit, on an idle and on a loaded machine.
_STOP_SECS = {False: 5.0, True: 30.0}


def _begin(context):
  """Returns a trainer with a checkpoint, which later trials use too."""

  def begin():
    made = trainer.Trainer(context.new_directory(), plants=context.plants)
    context.on_end(made.end)
    made.start()
    made.wait_for_step(2 * child.SAVE_EVERY + 1)
    return made

  return context.keep('trainer', begin)


def _check_killed(made, before):
  """Checks the checkpoints of a killed trainer.

  Args:
    made: trainer.Trainer that was killed.
    before: int, the step of the newest checkpoint before the trainer started.

  Returns:
    named: int, the step to resume from.
    lost: int, number of logged steps to repeat.
  """
  last = made.logged()
  named = made.check_named()
  lost = 0 if last is None else last + 1 - named
  attempt.check(
      named >= before and lost <= child.SAVE_EVERY,
      'step %s was logged, but step %s is saved' % (last, named),
  )
  return named, max(0, lost)


def _kill(made, before, where):
  """Kills and restarts a trainer; returns attempt.Recovery."""
  made.kill()
  left = made.unfinished()
  named, lost = _check_killed(made, before)
  return attempt.Recovery(
      lost,
      made.resume(named),
      '%s%s' % (where, ', while it saved' if left else ''),
  )


def kill(context, moment):
  """Kills a trainer with kill -9 at a random moment."""
  made = _begin(context)
  before = made.named()
  if moment.random() < 0.5:  # Also test the kill during the startup.
    made.kill()
    before = made.named()
    made.start()
  time.sleep(moment.uniform(0, _MOMENT_SECS[context.loaded]))
  where = 'in training' if made.logged() is not None else 'during startup'
  return _kill(made, before, where)


def kill_while_saving(context, moment):
  """Kills a trainer with kill -9 while it writes a checkpoint."""
  made = _begin(context)
  for _ in range(_SAVES):
    before = made.named()
    seen = made.logged()
    made.wait_for_step(seen + 1)
    attempt.wait_until(
        made.unfinished,
        trainer.START_SECS,
        'the next checkpoint',
        interval_secs=0.002,
    )
    time.sleep(moment.uniform(0, _SAVE_SECS))
    if not made.unfinished():
      continue
    recovery = _kill(made, before, 'in training')
    if 'saved' in recovery.message:
      return recovery
  raise attempt.Failed('no kill hit one of %d saves' % _SAVES)


def _catches(pid, signum):
  """Returns whether a process has a handler for a signal."""
  with open('/proc/%d/status' % pid, encoding='utf-8') as f:
    fields = dict(line.split(':', 1) for line in f)
  return int(fields['SigCgt'], 16) >> (signum - 1) & 1


def stop(context, moment):
  """Sends a trainer SIGTERM, SIGINT or SIGHUP at a random moment.

  The earliest moment is the first import of the program.
  """
  signum = moment.choice([signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
  made = _begin(context)
  before = made.named()
  if moment.random() < 0.5:
    made.kill()
    before = made.named()
    made.start()
    pid = made.running.process.pid
    attempt.wait_until(
        lambda: _catches(pid, signal.SIGTERM), trainer.START_SECS, 'a handler'
    )
  time.sleep(moment.uniform(0, _MOMENT_SECS[context.loaded]))
  training = made.logged() is not None
  sent = time.monotonic()
  made.running.process.send_signal(signum)
  code, _, err = made.wait_for_end(2 * _STOP_SECS[context.loaded], signum.name)
  secs = time.monotonic() - sent
  last, named = made.logged(), made.check_named()
  attempt.check(
      code == 128 + signum and not err,
      '%s: exit code %s and %r' % (signum.name, code, err),
  )
  attempt.check(
      named == (before if last is None else last + 1),
      '%s: step %s was logged, but step %s is saved'
      % (signum.name, last, named),
  )
  attempt.check(
      not training or secs <= _STOP_SECS[context.loaded],
      '%s: the trainer took %.1f seconds to stop' % (signum.name, secs),
  )
  made.resume(named)
  return attempt.Recovery(
      0,
      secs,
      '%s %s' % (signum.name, 'in training' if training else 'during startup'),
  )


def stop_a_program(context, moment):
  """Sends another program SIGTERM, SIGINT or SIGHUP at a random moment."""
  trained = damage.copy_of_trained(context)
  module, *args = moment.choice(
      [
          (
              'cifar10_compat.cifar10_eval',
              '--checkpoint_dir=' + trained.train_dir,
              '--eval_interval_secs=1',
          ),
          (
              'cifar10_compat.cifar10_export',
              '--checkpoint_dir=' + trained.train_dir,
              '--export_dir=' + trained.path('exported'),
          ),
          (
              'tools.run.launch',
              '--train_dir=' + trained.train_dir,
              '--batch_size=8',
          ),
          ('tools.images.make_records', '--check', trained.data_dir),
      ]
  )
  package, _, name = module.rpartition('.')
  signals = [signal.SIGTERM, signal.SIGHUP]
  if package == 'cifar10_compat':
    signals.append(signal.SIGINT)  # make_records_test covers SIGINT for tools.
  signum = moment.choice(signals)
  if name != 'make_records':
    args.append('--dataset=' + trained.data_dir)
  started = program.Program(name, *args, package=package)
  context.on_end(started.process.kill)
  if package == 'cifar10_compat':
    # Python handles signals until the program's first line runs.
    attempt.wait_until(
        lambda: _catches(started.process.pid, signal.SIGTERM),
        trainer.START_SECS,
        'a handler',
    )
  time.sleep(moment.uniform(0, _MOMENT_SECS[context.loaded]))
  running = started.process.poll() is None
  sent = time.monotonic()
  if running:
    started.process.send_signal(signum)
  attempt.wait_until(
      lambda: started.process.poll() is not None,
      2 * _STOP_SECS[context.loaded],
      f'the end of {name} after {signum.name}',
  )
  secs = time.monotonic() - sent
  code, _, err = started.finish()
  attempt.check(
      # While a tool is still loading, the signal itself kills it.
      code in (0, 128 + signum, -signum) and 'Traceback' not in err,
      f'{name}, {signum.name}: exit code {code} and {err!r}',
  )
  return attempt.Recovery(
      None, secs, f'{signum.name} to {name}' if running else f'{name} had ended'
  )


def hang_up_under_nohup(context, moment):
  """Sends SIGHUP to a trainer that was started with SIGHUP ignored."""
  made = _begin(context)
  made.kill()
  named = made.check_named()
  made.start(preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
  made.check_resumed(named)
  time.sleep(moment.uniform(0, 1))
  made.running.process.send_signal(signal.SIGHUP)
  made.wait_for_step(made.logged() + 5)
  return attempt.Recovery(0, None, 'it continues')


def second_trainer(context, moment):
  """Starts a second trainer on a train_dir in use, also with --fresh.

  Then kills the first trainer, whose lock must be released.
  """
  made = _begin(context)
  seen = made.logged()
  flags = moment.choice([(), ('--fresh',)])
  second = made.start_second(*flags)
  attempt.wait_until(
      lambda: second.process.poll() is not None
      or any(l and ': step ' in l for l in list(second.lines)),
      trainer.START_SECS,
      'the error',
  )
  second.process.kill()
  message = attempt.check_one_line(
      second.finish(),
      'is in use by process %d on ' % made.running.process.pid,
      'a second trainer',
  )
  made.wait_for_step(seen + child.SAVE_EVERY + 1)
  recovery = _kill(made, made.named(), 'the lock is released')
  return recovery._replace(message=message)
