"""The hook that fills the shuffling queues and watches the input files."""

from collections.abc import Callable
import dataclasses

import rich.progress
import tensorflow.compat.v1 as tf

from cifar10_compat.base import errors
from cifar10_compat.base import progress
from cifar10_compat.base import signals


@dataclasses.dataclass(eq=False)
class InputHook(tf.train.SessionRunHook):
  """Fills the shuffling queues before the first step, and watches the files.

  The shuffling queues are all RandomShuffleQueues in the default graph.  While
  the queues fill, the hook polls their sizes and shows the progress: a step
  waiting for a queue could not react to a signal.  This hook must follow the
  hooks that process a step, so that a step is saved when this hook finds
  damaged files.

  Attributes:
    check_input: function that raises an error if the input is damaged, called
      while the queues fill and after every step.
    stop: request that ends the filling.
  """

  check_input: Callable[[], object]
  stop: signals.StopRequest

  def begin(self) -> None:
    # The graph already contains ops for the sizes, which the summaries use.
    sizes = [
        op
        for op in tf.get_default_graph().get_operations()
        if op.type == 'QueueSizeV2'
        and op.inputs[0].op.type == 'RandomShuffleQueueV2'
    ]
    self._sizes = [op.outputs[0] for op in sizes]
    self._targets = [
        op.inputs[0].op.get_attr('min_after_dequeue') for op in sizes
    ]

  def after_create_session(
      self, session: tf.Session, coord: tf.train.Coordinator
  ) -> None:
    total = sum(self._targets)
    print(
        f'Filling queue with {total} CIFAR images before starting to train.',
        flush=True,
    )
    with progress.bar(
        rich.progress.MofNCompleteColumn(), transient=True
    ) as bar:
      task = bar.add_task('Filling queue', total=total)
      while not coord.wait_for_stop(0.1):
        try:
          self.check_input()
        except errors.Cifar10Error as e:
          coord.request_stop(e)  # This ends the threads; the session raises e.
          break
        sizes = session.run(self._sizes)
        bar.update(task, completed=sum(map(min, sizes, self._targets)))
        if all(s >= t for s, t in zip(sizes, self._targets)):
          return
        if self.stop.requested:
          coord.request_stop()

  def after_run(
      self,
      run_context: tf.train.SessionRunContext,
      run_values: tf.train.SessionRunValues,
  ) -> None:
    self.check_input()
