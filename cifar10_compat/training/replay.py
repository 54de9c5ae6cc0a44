"""Trainings that repeat in every bit.

What a training of 2016 leaves to chance, though all of its ops have seeds, and
what --deterministic makes of it:

  which images make a batch   One thread fills the shuffling queue, which has
                              room for one image more than must stay in it.
  the moving averages         They see the variables after the update.
  sums of three or more       AddN adds into whichever of its inputs nobody else
                              needs any more.  ReplayHook needs all of them.
  a training that resumes     The random ops and the queue begin anew.  ReplayHook
                              draws what was drawn before, and discards it.

What is left is the order in which an op's threads add: it is the same on the same
processor with as many threads, by the same build of TensorFlow.
"""

import rich.progress
import tensorflow.compat.v1 as tf

from cifar10_compat.base import errors
from cifar10_compat.base import progress
from cifar10_compat.training import hooks

_DEQUEUES = frozenset(['QueueDequeueManyV2', 'QueueDequeueUpToV2'])


def check_arguments(*, deterministic, seed, shared_input=False):
  """Checks what a trainer that shall repeat is asked for.

  Args:
    deterministic: bool, whether it shall.
    seed: int or None, of the graph.
    shared_input: bool, whether towers draw from one queue, first come, first
      served.

  Raises:
    UsageError: it could not.
  """
  if deterministic and seed is None:
    raise errors.UsageError(
        'a deterministic training needs a seed: add --seed=1, or another'
    )
  if deterministic and shared_input:
    raise errors.UsageError(
        'towers with a shared input take the batches in any order, and do not '
        'repeat: leave out --shared_input or --deterministic'
    )


class ReplayHook(tf.train.SessionRunHook):
  """Lets each step of a resumed training see the batch that it would have seen.

  It comes after hooks.InputHook.  To resume at a step takes the time of drawing
  the batches of all steps before.
  """

  def __init__(self, train_op, summary_op, steps, stop):
    """Takes care of the default graph.

    Args:
      train_op: Operation, run in each step.
      summary_op: tensor, run as hooks.SummaryHook does.
      steps: hooks.StepHook.
      stop: signals.StopRequest, ends the drawing.
    """
    self._steps = steps
    self._stop = stop
    of_train = _ancestors(train_op)
    self._batches = [op for op in of_train if op.type in _DEQUEUES]
    self._summary_batches = [
        op for op in _ancestors(summary_op.op) if op.type in _DEQUEUES
    ]
    # A sum of two is the same either way.
    self._summands = [
        tensor
        for op in of_train
        if op.type == 'AddN' and len(op.inputs) > 2
        for tensor in op.inputs
    ]

  def after_create_session(self, session, coord):
    steps = self._steps.after
    if not steps:
      return
    print(
        'Drawing the batches of the %d steps that are trained.' % steps,
        flush=True,
    )
    with progress.bar(
        rich.progress.MofNCompleteColumn(), transient=True
    ) as bar:
      task = bar.add_task('Drawing batches', total=steps)
      for step in range(steps):
        if coord.should_stop():
          return
        if self._stop.requested:
          coord.request_stop()
          return
        session.run(self._batches)
        if step % hooks.SUMMARY_STEPS == 0:
          session.run(self._summary_batches)
        self._steps.replayed = step + 1
        bar.update(task, completed=step + 1)

  def before_run(self, run_context):
    # What is fetched is needed until the run ends.
    return tf.train.SessionRunArgs(self._summands)


def _ancestors(op):
  """Returns an op and all that it waits for, a list."""
  seen, left = {op: None}, [op]
  while left:
    current = left.pop()
    for source in [t.op for t in current.inputs] + list(current.control_inputs):
      if source not in seen:
        seen[source] = None
        left.append(source)
  return list(seen)
