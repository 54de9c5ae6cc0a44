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

from cifar10_compat.base import progress
from cifar10_compat.training import hooks


class ReplayHook(hooks.Hook):
  """Lets each step of a resumed training see the batch that it would have seen.

  It comes after hooks.InputHook.  To resume at a step takes the time of drawing
  the batches of all steps before.
  """

  def begin(self) -> None:
    graph = tf.get_default_graph()
    operations = graph.get_operations()
    self._batches = [
        op
        for op in operations
        if op.type in ('QueueDequeueManyV2', 'QueueDequeueUpToV2')
    ]
    summaries = tf.graph_util.extract_sub_graph(
        graph.as_graph_def(), [self.run.summary_op.op.name]
    )
    of_summaries = {node.name for node in summaries.node}
    self._summary_batches = [
        op for op in self._batches if op.name in of_summaries
    ]
    # A sum of two is the same either way.
    self._summands = [
        tensor
        for op in operations
        if op.type == 'AddN' and len(op.inputs) > 2
        for tensor in op.inputs
    ]

  def after_create_session(
      self, session: tf.Session, coord: tf.train.Coordinator
  ) -> None:
    steps = self.run.steps.after
    if not steps:
      return
    print(
        f'Drawing the batches of the {steps} steps that are trained.',
        flush=True,
    )
    with progress.bar(
        rich.progress.MofNCompleteColumn(), transient=True
    ) as bar:
      for step in bar.track(range(steps), description='Drawing batches'):
        if coord.should_stop():
          return
        if self.run.stop.requested:
          coord.request_stop()
          return
        session.run(self._batches)
        if step % self.run.config.summary_steps == 0:
          session.run(self._summary_batches)
        self.run.steps.replayed = step + 1

  def before_run(
      self, run_context: tf.train.SessionRunContext
  ) -> tf.train.SessionRunArgs:
    # What is fetched is needed until the run ends.
    return tf.train.SessionRunArgs(self._summands)
