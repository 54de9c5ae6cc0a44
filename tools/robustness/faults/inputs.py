"""Injects faults into images, values and queues during training."""

import os
import pathlib
import re
import signal
import time

from tools.robustness.faults import attempt
from tools.robustness.faults import child
from tools.robustness.faults import trainer

_END_SECS = {False: 60, True: 180}
_STALL_SECS = 3
# For each of the five hangs, a pattern that the trainer's report must match.
_HANGS = {
    'pipe': r': 0 of \d+, empty[^$]*which waits for room in its queue, or for '
    r'ReaderReadV2',
    'no_threads': r'none of 16 threads that ran \S*shuffle\S* is left',
    'ended_threads:40': r'none of 16 threads that ran \S+ is left',
    'stuck_op:300': r'or for ReaderReadV2 \(ReaderRead\), stuck \(PyFunc\)',
    'crossed_queues': r'queue b: 0 of 3, empty[^$]*1 of 1 threads run',
}


def _start(context, *flags, **kwargs):
  made = trainer.Trainer(context.new_directory(), *flags)
  context.on_end(made.end)
  made.start(**kwargs)
  return made


def changed_images(context, moment):
  """Changes, resizes or removes an image file, or replaces it with a pipe."""
  made = _start(context)
  made.wait_for_step(child.SAVE_EVERY + moment.randrange(40))
  path = os.path.join(made.data_dir, 'train.bin')
  size = os.path.getsize(path)
  way = moment.choice(
      [
          'shrinks',
          'grows',
          'vanishes',
          'zeros',
          'noise',
          'pipe',
          'directory',
          'device',
      ]
  )
  whole = pathlib.Path(path).read_bytes()
  if way == 'shrinks':
    os.truncate(path, moment.randrange(size))
  elif way == 'grows':
    with open(path, 'ab') as f:
      f.write(moment.randbytes(moment.randrange(1, 5000)))
  elif way in ('zeros', 'noise'):
    with open(path, 'r+b') as f:
      f.write(bytes(size) if way == 'zeros' else moment.randbytes(size))
  else:
    attempt.replace(path, way)
  begin = time.monotonic()
  ended = made.wait_for_end(_END_SECS[context.loaded], way)
  secs = time.monotonic() - begin
  attempt.check_one_line(ended, r'train\.bin', 'a file that %s' % way)
  named = made.check_named()
  lost = made.logged() + 1 - named
  attempt.check(lost == 0, 'step %d is not saved' % made.logged())
  # Check that training continues with the original file.
  if os.path.lexists(path):
    os.rmdir(path) if os.path.isdir(path) else os.remove(path)
  pathlib.Path(path).write_bytes(whole)
  made.resume(named)
  made.kill()
  return attempt.Recovery(lost, secs, way)


def not_finite(context, moment):
  """Makes the loss, a gradient or a variable NaN or infinite."""
  step = child.SAVE_EVERY + moment.randrange(60)
  plant = moment.choice(['nan_loss', 'infinite_gradient', 'infinite_variable'])
  made = _start(context, plants='%s:%d' % (plant, step))
  message = attempt.check_one_line(
      made.wait_for_end(trainer.START_SECS, plant),
      r'Model diverged: \S+ (= (nan|inf)|is non-finite) at step \d+\b',
      plant,
  )
  found = int(re.search(r'at step (\d+)', message)[1])
  last = step + 1
  if plant == 'infinite_gradient':
    # ReLU can drop the resulting NaN; the next save then detects the weight.
    last = (step // child.SAVE_EVERY + 1) * child.SAVE_EVERY
  attempt.check(
      step <= found <= last,
      'step %d was bad, but step %d is reported' % (step, found),
  )
  named = made.check_named()
  attempt.check(
      named == step // child.SAVE_EVERY * child.SAVE_EVERY,
      'step %d was bad, but step %d is saved' % (step, named),
  )
  # Resume with a lower learning rate, as the message advises; the trainer
  # reports the new rate.
  made.start('--learning_rate=0.05', plants='-')
  made.wait_for_step()
  attempt.check(
      made.first_logged() == named,
      'the trainer did not resume from this step',
  )
  said = [l for l in made.running.lines if l and 'the learning rate is' in l]
  attempt.check(said, 'the trainer did not report the new learning rate')
  made.kill()
  return attempt.Recovery(step - named, None, message)


def stuck_queue(context, moment):
  """Makes queues hang, in one of five ways."""
  del moment  # The plant determines the start of the hang.
  hang = sorted(_HANGS)[context.number % len(_HANGS)]
  made = _start(context, '--stall_secs=%d' % _STALL_SECS, plants=hang)
  code, _, err = made.wait_for_end(trainer.START_SECS, hang)
  attempt.check(
      code == 1 and 'Traceback' not in err and re.search(_HANGS[hang], err),
      '%s: exit code %s and %r' % (hang, code, err),
  )
  return attempt.Recovery(
      None,
      None,
      '%s: %s' % (hang, attempt.last_line(err).partition('error: ')[2]),
  )


def asked_what_it_waits_for(context, moment):
  """Sends SIGUSR1 to a trainer at a random moment."""
  made = context.keep('asked', lambda: _start(context))
  made.wait_for_step()
  time.sleep(moment.uniform(0, 1))
  told = len(made.running.error_lines)
  made.running.process.send_signal(signal.SIGUSR1)
  attempt.wait_until(
      lambda: any(
          l and 'random_shuffle_queue_enqueue' in l
          for l in list(made.running.error_lines)[told:]
      ),
      _END_SECS[context.loaded],
      'the report',
  )
  made.wait_for_step(made.logged() + 1)
  return attempt.Recovery(message=made.running.error_lines[told])
