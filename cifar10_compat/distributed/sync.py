"""Synchronous updates that survive a restart of the chief, or of any worker.

How tf.train.SyncReplicasOptimizer keeps N workers in step, where R gradients
make an update: a worker's step pushes its gradient into an accumulator for each
variable, then waits for a token.  A thread of the chief takes the average out
of every accumulator that has R gradients, applies it, increments the global
step, and puts N tokens that bear it into a queue.  A worker's next gradient
bears the step of its token; an accumulator drops one that is older than its own
step, which each taking increments.

Accumulators and queue are on the ps and outlive the processes.  Whoever dies
takes along what it had in its hands: a chief that is killed after it took the
gradients and before it put the tokens leaves the others waiting for tokens of an
update that nobody will make, and itself, once restarted, waiting for the
gradients that these have pushed already.  On a busy machine, where that moment
lasts for a good part of a step, this was seen in half of the kills.

Therefore each session that the chief makes on variables that were in use, in a
new process or not, begins with SyncHook's repair:

  1. The accumulators are emptied.
  2. Their step is set to the global step, G, and so is the chief's own.
  3. R - 1 tokens that bear G are put into the queue.

Then an update will be made, whatever was lost before and whatever the workers
are doing meanwhile.  No gradient that bears G or more is dropped by an
accumulator before that was taken for this update.  The chief's first step waits
for no token before it pushes one such gradient.  A worker that has got a token
pushes a gradient, and each worker asks for a token sooner or later, since
pushing waits for nothing; so either the R - 1 tokens all bring one gradient, or
some are left over because the update was made without them.  With R gradients
in every accumulator the update is made, and N new tokens let each worker go on.

What is left over does no harm: a token of a step that has passed lets a worker
compute one gradient that is dropped, and is gone with it.

The proof supposes that nothing is lost afterwards: neither another process nor
what TensorFlow's server on the ps still does in the name of a dead one, until it
notices the end of the connection.  Such a loss stops the updates once more; that
the chief sees, by heartbeats.Stall, and repairs again.
"""

import contextlib

import tensorflow.compat.v1 as tf

from cifar10_compat.distributed import sessions

# For taking a gradient that is there.
_EMPTY_MILLISECS = 5000


class SyncHook(tf.train.SessionRunHook):
  """Runs what tf.train.SyncReplicasOptimizer needs beside its train op.

  The optimizer's own hook closes the queue of tokens, which is on the ps, when
  the chief stops; a later chief could not use it.
  """

  def __init__(
      self,
      optimizer: tf.train.SyncReplicasOptimizer,
      replicas: int,
      chief: sessions.ChiefSessionCreator | None = None,
  ) -> None:
    """Makes the hook.

    Args:
      optimizer: has applied gradients.
      replicas: how many gradients make an update.
      chief: what makes the chief's sessions, or None for a worker who is not
        the chief.  A thread of the chief makes the updates.
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
    # Not at the very first start, where nobody waits for one: the chief would
    # make updates of its own gradients alone until the others are there.
    if self._chief.found_in_use:
      session.run(self._tokens_op)
    self._runner.create_threads(session, coord=coord, daemon=True, start=True)

  def _empty_accumulators(self, session: tf.Session) -> None:
    """Takes what the accumulators hold."""
    # Nobody else takes, so that a gradient which was counted is there still;
    # but for the server's own delay, hence the limit.
    for count, take in self._accumulated:
      if session.run(count):
        # The error: another has emptied it.
        with contextlib.suppress(tf.errors.DeadlineExceededError):
          session.run(
              take, options=tf.RunOptions(timeout_in_ms=_EMPTY_MILLISECS)
          )

  def end(self, session: tf.Session) -> None:
    # Nothing else ends the thread's wait for gradients.  Hooks end in order,
    # and this one is the last that needs the session.
    if self._chief:
      self._coord.request_stop()  # So that no thread takes it for an error.
      session.close()


def _accumulated() -> list[tuple[tf.Tensor, tf.Operation]]:
  """Returns, of each accumulator in the graph, how much it has and its taking.

  The one is an int32 tensor of shape [], the other takes one gradient or more.
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
