"""Reports what a training run is waiting for, and ends a stalled run.

A step can block silently on a queue that no thread fills any more, and a thread
can block on a file that never ends.
"""

import collections
from collections.abc import Callable
import contextlib
import os
import sys
import threading
import traceback

import tensorflow.compat.v1 as tf

from cifar10_compat.base import errors
from cifar10_compat.base import input_errors
from cifar10_compat.base import output
from cifar10_compat.training import hooks

# Ops other than the queue's own that can block a thread that fills a queue.
_SOURCES = frozenset(
    [
        'EagerPyFunc',
        'PyFunc',
        'QueueDequeueManyV2',
        'QueueDequeueUpToV2',
        'QueueDequeueV2',
        'ReaderReadUpToV2',
        'ReaderReadV2',
    ]
)
_QUEUES = frozenset(
    ['FIFOQueueV2', 'PaddingFIFOQueueV2', 'RandomShuffleQueueV2']
)

_TICK_SECS = 1.0
# Seconds that a step may continue after a stop signal.
_STOP_SECS = 60
# Seconds to wait for the queues' sizes.
_ANSWER_SECS = 5
# Seconds to wait for a save, and then for the session to close.
_PATIENCE_SECS = 20


class StallWatchdog(hooks.Hook):
  """A hook that watches the steps from a separate thread.

  A run counts as stalled if no step ends or is replayed and no queue changes
  size for config.stall_secs, not counting time in which the process is
  suspended or saves.  The watchdog then saves the last step and ends the
  session; if that fails, stop.leave ends the process.  While the hook runs,
  stop.report prints what the run is waiting for.
  """

  def __init__(self) -> None:
    self._over = threading.Event()
    self._thread: threading.Thread | None = None
    # The watchdog and the handler of SIGUSR1 ask for sizes in separate threads.
    self._lock = threading.Lock()
    self._asking: threading.Thread | None = None
    self._stalled: errors.StalledError | None = None

  def begin(self) -> None:
    graph = tf.get_default_graph()
    queues = [op for op in graph.get_operations() if op.type in _QUEUES]
    sizes = {
        op.inputs[0].op: op.outputs[0]
        for op in graph.get_operations()
        if op.type == 'QueueSizeV2'
    }
    self._sizes = {
        op: sizes[op] if op in sizes else _size_of(op) for op in queues
    }
    self._runners = tf.get_collection(tf.GraphKeys.QUEUE_RUNNERS)

  def after_create_session(
      self, session: tf.Session, coord: tf.train.Coordinator
  ) -> None:
    self.run.stop.report = lambda: _tell(self.describe(session, coord))
    self._thread = threading.Thread(
        target=self._watch, args=(session, coord), name='watchdog', daemon=True
    )
    self._thread.start()

  def __enter__(self) -> 'StallWatchdog':
    return self

  def __exit__(
      self, kind: object, error: BaseException | None, trace: object
  ) -> None:
    self._over.set()
    if self._thread:
      self.run.stop.report = None
      self._thread.join()
    # The stalled step was canceled, perhaps before a session could raise the
    # StalledError.
    if error and self._stalled and error is not self._stalled:
      raise self._stalled from error

  def describe(
      self, session: tf.Session, coord: tf.train.Coordinator
  ) -> list[str]:
    """Describes what a session's threads are waiting for.

    Args:
      session: tf.Session.
      coord: tf.train.Coordinator of the session's threads.

    Returns:
      list of str, lines.
    """
    lines = [
        'step %d: %s' % (self.run.steps.after, _place(threading.main_thread()))
    ]
    sizes = self._ask_sizes(session, patiently=True)
    lines += [_state(queue, sizes.get(queue)) for queue in self._sizes]
    alive = collections.Counter(t.name for t in threading.enumerate())
    for runner in self._runners:
      lines += _threads(runner, alive)
    try:
      coord.raise_requested_exception()
    except Exception as e:  # pylint: disable=broad-except
      told = (
          input_errors.cause(e)
          if isinstance(e, tf.errors.OpError)
          else str(e).partition('\n')[0]
      )
      lines.append('first error: %s: %s' % (type(e).__name__, told))
    return lines

  def _watch(self, session: tf.Session, coord: tf.train.Coordinator) -> None:
    """Waits until a session ends or stalls."""
    idle, before = 0, None
    while not coord.should_stop() and not self._over.wait(_TICK_SECS):
      now = (
          self.run.steps.after,
          self.run.steps.replayed,
          self._ask_sizes(session),
      )
      idle = idle + 1 if now == before and not self.run.saving else 0
      before = now
      limit = self.run.config.stall_secs / _TICK_SECS or float('inf')
      if self.run.stop.requested:
        limit = min(limit, _STOP_SECS / _TICK_SECS)
      if idle >= limit and not coord.should_stop():
        self._end(session, coord, idle * _TICK_SECS)
        return

  def _end(
      self, session: tf.Session, coord: tf.train.Coordinator, secs: float
  ) -> None:
    """Saves if possible, and ends the session with a StalledError."""
    lines = self.describe(session, coord)
    error = _within(_PATIENCE_SECS, lambda: self.run.save(session))
    # Print only after saving: the reader of the output may have exited, or may
    # also hang.
    _within(_PATIENCE_SECS, lambda: _tell(lines))
    message = (
        'training stalled for %d s at step %d (%s): the report above lists '
        'what it is waiting for'
        % (
            secs,
            self.run.steps.after,
            'not saved: %s' % error if error else 'saved',
        )
    )
    self._stalled = errors.StalledError(message)
    coord.request_stop((errors.StalledError, self._stalled, None))
    # Closing the session ends every thread that is blocked on a queue.
    _within(_PATIENCE_SECS, session.close)
    if self.run.stop.leave and not self._over.wait(_PATIENCE_SECS):
      self.run.stop.leave(message)

  def _ask_sizes(
      self, session: tf.Session, *, patiently: bool = False
  ) -> dict[tf.Operation, int]:
    """Returns a dict from each queue to its size; empty if the session hangs.

    If blocked ops occupy all of TensorFlow's threads, the session never
    answers, and a timeout in RunOptions would have no effect.

    Args:
      session: the session of the queues.
      patiently: whether to wait for an answer that another thread requested.
    """

    def ask(sizes: dict[tf.Operation, int]) -> None:
      # The run fails if the session is closed.
      with contextlib.suppress(tf.errors.OpError, RuntimeError):
        answer = session.run(list(self._sizes.values()))
        sizes.update(zip(self._sizes, answer))

    with self._lock:
      if not (self._asking and self._asking.is_alive()):
        self._answer: dict[tf.Operation, int] = {}
        self._asking = threading.Thread(
            target=ask, args=[self._answer], daemon=True
        )
        self._asking.start()
      elif not patiently:
        return {}
      thread, sizes = self._asking, self._answer
    thread.join(_ANSWER_SECS)
    return dict(sizes)


def _size_of(queue: tf.Operation) -> tf.Tensor:
  """Adds an op that computes a queue's size; returns the op's output."""
  with tf.device(queue.device):
    return tf.raw_ops.QueueSizeV2(handle=queue.outputs[0])


def _within(secs: float, function: Callable[[], object]) -> Exception | None:
  """Calls a function in a thread; returns the Exception it raised.

  Returns None on success, and a TimeoutError if the function takes too long.
  """
  ended: list[Exception | None] = []

  def call() -> None:
    try:
      function()
      ended.append(None)
    except Exception as e:  # pylint: disable=broad-except
      ended.append(e)

  thread = threading.Thread(target=call, daemon=True)
  thread.start()
  thread.join(secs)
  return ended[0] if ended else TimeoutError('not done in %d s' % secs)


def _tell(lines: list[str]) -> None:
  print(*map(output.printable, lines), sep='\n', file=sys.stderr, flush=True)


def _state(queue: tf.Operation, size: int | None) -> str:
  """Returns a line that describes how full a queue is."""
  capacity = queue.get_attr('capacity')
  if size is None:
    return 'queue %s: no answer; its capacity is %d' % (queue.name, capacity)
  line = 'queue %s: %d of %d' % (queue.name, size, capacity)
  if size == 0:
    return line + ', empty'
  if size == capacity:
    return line + ', full'
  if queue.type == 'RandomShuffleQueueV2':
    least = queue.get_attr('min_after_dequeue')
    if size <= least:
      return line + ', too few to draw from: %d must remain' % least
  return line


def _threads(
    runner: tf.train.QueueRunner, alive: collections.Counter[str]
) -> list[str]:
  """Returns lines that describe the threads that fill a queue.

  Args:
    runner: tf.train.QueueRunner.
    alive: Counter of the names of the process's threads.
  """
  lines = []
  for op, number in collections.Counter(runner.enqueue_ops).items():
    # TensorFlow gives the threads these names.
    left = alive['QueueRunnerThread-%s-%s' % (runner.name, op.name)]
    if left:
      sources = ', '.join(
          '%s (%s)' % (s.name, s.type.removesuffix('V2')) for s in _sources(op)
      )
      lines.append(
          '%d of %d threads run %s, which waits for room in its queue%s'
          % (left, number, op.name, sources and ', or for ' + sources)
      )
    else:
      lines.append('none of %d threads that ran %s is left' % (number, op.name))
  return lines


def _sources(op: tf.Operation) -> list[tf.Operation]:
  """Returns the blocking ops from which an op gets its values."""
  seen, left = {op}, [op]
  while left:
    new = {tensor.op for tensor in left.pop().inputs} - seen
    seen |= new
    left += [o for o in new if o.type not in _SOURCES]
  return sorted((o for o in seen if o.type in _SOURCES), key=lambda o: o.name)


def _place(thread: threading.Thread) -> str:
  """Describes where a thread is, in this package and in its innermost call."""
  stack = traceback.extract_stack(sys._current_frames()[thread.ident or 0])
  package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
  ours = [f for f in stack if f.filename.startswith(package)] or stack
  return (
      f'the main thread is at {ours[-1].name}, line {ours[-1].lineno} of '
      f'{os.path.basename(ours[-1].filename)}, in {stack[-1].name}'
  )
