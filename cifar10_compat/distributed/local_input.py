"""Images for a distributed session, from queues in this process.

TensorFlow's server numbers the runs of all sessions.  It draws each number from
the current thread's generator, which has a 32-bit seed, and rejects a number
that occurs among the last 100,000 ("request was received twice").  With the
queues on the server, each of the 16 threads would use one run per image that it
enqueues.  After about 100,000 runs (12 minutes of training with batches of 64),
two numbers are likely to be equal.  The server then rejects a run, and the
session that replaces the failed one would find the queues closed.  A local
session does not number its runs; its runs also cost less.
"""

from collections.abc import Callable

import tensorflow.compat.v1 as tf

from cifar10_compat.base import signals
from cifar10_compat.training import input_hook


class LocalInput(tf.train.SessionRunHook):
  """Feeds the steps of a distributed session from this process's queues.

  The hook is a context manager that stops the queues' threads on exit.

  Attributes:
    images, labels: placeholders in the training graph.
    summary: string tensor of shape [] in the training graph: the serialized
      Summary of the input if feed_dict() provided one, otherwise empty.
  """

  def __init__(
      self,
      make_inputs: Callable[[], tuple[tf.Tensor, tf.Tensor]],
      stop: signals.StopRequest,
      check_input: Callable[[], object],
  ) -> None:
    """Builds the input in a separate graph.

    Args:
      make_inputs: function that returns (images, labels), tensors from queues.
      stop: the request that ends the steps.
      check_input: function that raises DataError if the images are damaged.
    """
    self._hook = input_hook.InputHook(check_input, stop)
    self._graph = tf.Graph()
    with self._graph.as_default(), tf.device('/cpu:0'):
      self._batch = make_inputs()
      self._summary = tf.summary.merge_all()
    self.images, self.labels = [
        tf.placeholder(t.dtype, t.shape) for t in self._batch
    ]
    self.summary = tf.placeholder_with_default(b'', [])
    self._input_session: tf.train.MonitoredSession = None

  def __enter__(self) -> 'LocalInput':
    return self

  def __exit__(self, *exc_info: object) -> None:
    if self._input_session:
      self._input_session.__exit__(*exc_info)

  def feed_dict(self, with_summary: bool = False) -> dict[tf.Tensor, object]:
    """Returns the next batch, to feed to a run of the distributed session.

    Args:
      with_summary: whether to feed `summary` too.

    Raises:
      tf.errors.OutOfRangeError: no images are left.
      DataError: the images are damaged.
    """
    batch = dict(zip((self.images, self.labels), self._batch))
    if with_summary:
      batch[self.summary] = self._summary
    return self._input_session.run(batch)

  def after_create_session(
      self, session: tf.Session, coord: tf.train.Coordinator
  ) -> None:
    if not self._input_session:
      with self._graph.as_default():
        self._input_session = tf.train.MonitoredSession(
            tf.train.ChiefSessionCreator(
                # Reserve a GPU for the network.
                config=tf.ConfigProto(device_count={'GPU': 0})
            ),
            [self._hook],
        )
    if self._input_session.should_stop():
      coord.request_stop()

  def before_run(
      self, run_context: tf.train.SessionRunContext
  ) -> tf.train.SessionRunArgs:
    return tf.train.SessionRunArgs(None, self.feed_dict())
