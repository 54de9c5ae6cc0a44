"""Makes training runs reproducible bit for bit.

Even with seeds for all ops, a training run as in 2016 is random in four
respects, which --deterministic makes deterministic:

  the images in a batch    One thread fills the shuffling queue, which
                           contains one image more than its minimum.
  the moving averages      They read the variables after the update.
  sums of three or more    AddN accumulates into an input that no other op needs
                           any more.  ReplayHook fetches all inputs, so that no
                           input qualifies.
  a resumed run            Random ops and queue start over.  ReplayHook redraws
                           the batches already trained on, and discards them.

The order in which an op's threads add numbers is not fixed, but it is the same
on the same processor, with the same number of threads and TensorFlow build.
"""

import rich.progress
import tensorflow.compat.v1 as tf

from cifar10_compat.base import progress
from cifar10_compat.training import hooks


class ReplayHook(hooks.Hook):
  """Makes a resumed run use the same batches as an uninterrupted run.

  This hook must follow InputHook.  Resuming takes as long as drawing the
  batches of all earlier steps.
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
    # A sum of two terms does not depend on the order.
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
        f'Redrawing the batches of the {steps} steps already trained.',
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
    # Fetch the terms of the sums: TensorFlow keeps a fetched tensor until the
    # run ends.
    return tf.train.SessionRunArgs(self._summands)
