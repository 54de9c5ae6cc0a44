"""Synchronous updates that recover when the chief or a worker restarts.

tf.train.SyncReplicasOptimizer keeps N workers in step and averages R gradients
into an update.  In each step, a worker pushes its gradient into an accumulator
for each variable, then waits for a token.  When every accumulator contains R
gradients, a thread of the chief takes the averages, applies them, increments
the global step, and adds N tokens with the new step to a queue.  A worker's
next gradient carries the step of its token.  An accumulator's own step is the
number of averages taken from it; the accumulator drops gradients of an earlier
step.

The accumulators and the queue are on the ps and outlive the workers.  The
gradients and tokens of a killed process are lost.  Suppose that a chief is
killed after taking the gradients and before adding the tokens.  The other
workers then wait for the tokens of a lost update, and the restarted chief waits
for gradients that they have already pushed.  On a busy machine, where the time
between taking gradients and adding tokens is much of a step, half of the kills
had this effect.

Therefore, whenever the chief creates a session on variables already in use, in
the same or a new process, SyncHook first repairs the state:

  1. It empties the accumulators.
  2. It sets the accumulators' step, and the chief's own, to the global step, G.
  3. It adds R - 1 tokens with step G to the queue.

An update then takes place, regardless of what was lost and what the workers are
doing.  Until that update, no accumulator drops a gradient of step G or later.
The chief pushes a gradient without waiting for a token.  A worker that gets a
token also pushes a gradient, and since pushing never blocks, every worker asks
for a token sooner or later.  So either each of the R - 1 tokens results in a
gradient, or some tokens are left over because the update did not need them.
Once every accumulator contains R gradients, the update takes place, and N new
tokens let every worker continue.

Leftover tokens do no harm: with a token of an earlier step, a worker computes
one gradient, which is dropped, and the token is used up.

The proof assumes that nothing is lost afterwards: no other process dies, and
the ps's server does nothing more for a dead process before it detects the
closed connection.  A loss after the repair stops the updates again; the chief
detects the stall with heartbeats.Stall, and repeats the repair.
"""

import contextlib

import tensorflow.compat.v1 as tf

from cifar10_compat.distributed import sessions

# Time limit in ms for emptying an accumulator that contains a gradient.
_EMPTY_MILLISECS = 5000


class SyncHook(tf.train.SessionRunHook):
  """Runs the ops that SyncReplicasOptimizer needs besides its train op.

  The optimizer's own hook closes the token queue on the ps when the chief
  stops, so a later chief could not use the queue.
  """

  def __init__(
      self,
      optimizer: tf.train.SyncReplicasOptimizer,
      replicas: int,
      chief: sessions.ChiefSessionCreator | None = None,
  ) -> None:
    """Creates the hook.

    Args:
      optimizer: an optimizer whose apply_gradients() has been called.
      replicas: the number of gradients per update.
      chief: the session creator of the chief, in which a thread applies the
        updates; None for another worker.
    """
    self._optimizer = optimizer
    self._replicas = replicas
    self._chief = chief

  def begin(self) -> None:
    if not self._chief:
      self._init_op = self._optimizer.local_step_init_op
      return
    self._init_op = self._optimizer.chief_init_op
    self._tokens_op = self._optimizer.get_init_tokens_op(self._replicas - 1)
    self._accumulated = _accumulated()
    made = self._optimizer.get_chief_queue_runner()
    nothing = tf.no_op()
    self._runner = tf.train.QueueRunner(
        made.queue,
        made.enqueue_ops,
        close_op=nothing,
        cancel_op=nothing,
        queue_closed_exception_types=(
            tf.errors.OutOfRangeError,
            tf.errors.CancelledError,
        ),
    )

  def after_create_session(
      self, session: tf.Session, coord: tf.train.Coordinator
  ) -> None:
    self._coord = coord
    if self._chief and self._chief.found_in_use:
      self._empty_accumulators(session)
    session.run(self._init_op)
    if not self._chief:
      return
    # Add no tokens at the very first start, when no worker waits for one: until
    # the others start, the chief would update from its own gradients alone.
    if self._chief.found_in_use:
      session.run(self._tokens_op)
    self._runner.create_threads(session, coord=coord, daemon=True, start=True)

  def _empty_accumulators(self, session: tf.Session) -> None:
    """Discards the gradients in the accumulators."""
    # No other thread takes gradients, so a counted gradient can still be taken,
    # unless the server accepts a gradient late; hence the time limit.
    for count, take in self._accumulated:
      if session.run(count):
        # On a timeout, the server has already emptied the accumulator.
        with contextlib.suppress(tf.errors.DeadlineExceededError):
          session.run(
              take, options=tf.RunOptions(timeout_in_ms=_EMPTY_MILLISECS)
          )

  def end(self, session: tf.Session) -> None:
    # The thread waits for gradients until the session is closed.  Hooks end in
    # order, and this hook is the last that needs the session.
    if self._chief:
      # Without a stop request, the closed session would count as an error.
      self._coord.request_stop()
      session.close()


def _accumulated() -> list[tuple[tf.Tensor, tf.Operation]]:
  """Returns (count, take) for each accumulator in the graph.

  count is an int32 tensor of shape []; take removes one or more gradients.
  """
  made = []
  for op in tf.get_default_graph().get_operations():
    if op.type == 'ResourceAccumulatorTakeGradient':
      with tf.device(op.device):
        handle = op.inputs[0]
        made.append(
            (
                tf.raw_ops.ResourceAccumulatorNumAccumulated(handle=handle),
                tf.raw_ops.ResourceAccumulatorTakeGradient(
                    handle=handle, num_required=1, dtype=op.get_attr('dtype')
                ).op,
            )
        )
  return made
