"""The tasks of a cluster: flags, TF_CONFIG, ports."""

import contextlib
import json
import signal
import socket
import threading
import time

import tensorflow.compat.v1 as tf

from cifar10_compat.base import errors
from cifar10_compat.base import signals
from cifar10_compat.distributed import cluster
from tools.base import processes

# The first HTTP/2 frame of a server: no settings, on stream 0.
_SETTINGS = bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])


def _listener():
  """Returns a listening socket, and its address."""
  listener = socket.create_server(('127.0.0.1', 0))
  return listener, '127.0.0.1:%d' % listener.getsockname()[1]


def _with_ps(address):
  """Returns ps 0 at an address, of a cluster with one worker."""
  return cluster.from_flags(
      'ps', 0, ps_hosts=[address], worker_hosts=['127.0.0.1:1']
  )


class _Leave:
  """A function that a watchdog calls."""

  def __init__(self):
    self.left = threading.Event()
    self.messages = []

  def __call__(self, message):
    self.messages.append(message)
    self.left.set()


def _speak_once(listener, *parts):
  """Starts and returns a thread that accepts, sends parts, and closes."""

  def speak():
    with listener.accept()[0] as connection:
      for part in parts:
        connection.sendall(part)

  thread = threading.Thread(target=speak)
  thread.start()
  return thread


class ClusterTest(tf.test.TestCase):

  def test_flags(self):
    made = cluster.from_flags(
        'worker', 1, ps_hosts=['a:1'], worker_hosts=['b:2', 'c:3']
    )
    self.assertEqual([('worker', 0), ('worker', 1)], made.workers)
    self.assertEqual((1, False), (made.worker_number, made.is_chief))
    self.assertEqual('c:3', made.address('worker', 1))

  def test_tf_config_has_a_chief_before_the_workers(self):
    text = json.dumps(
        {
            'cluster': {
                'chief': ['a:1'],
                'worker': ['b:2'],
                'ps': ['c:3'],
                'evaluator': ['d:4'],
            },
            'task': {'type': 'worker', 'index': 0},
        }
    )
    made = cluster.from_tf_config(text)
    self.assertEqual([('chief', 0), ('worker', 0)], made.workers)
    self.assertEqual((1, False), (made.worker_number, made.is_chief))
    evaluator = cluster.from_tf_config(
        text.replace('"type": "worker"', '"type": "evaluator"')
    )
    self.assertEqual(cluster.EVALUATOR, evaluator.job)
    self.assertEqual(
        made, cluster.from_tf_config(text.replace('"chief"', '"master"'))
    )
    made = cluster.from_tf_config(
        text.replace('"chief"', '"master"').replace(
            '"type": "worker"', '"type": "master"'
        )
    )
    self.assertEqual(('chief', True), (made.job, made.is_chief))

  def test_mistakes(self):
    for (job, index, ps, workers), expected in (
        (('worker', 0, [], ['a:1']), '--ps_hosts is missing'),
        (('worker', 2, ['a:1'], ['b:2', 'c:3']), 'index 2 is out of range'),
        (('worker', -1, ['a:1'], ['b:2']), 'index -1 is out of range'),
        (
            ('worker', 0, ['a:1'], ['b:2', 'b:2']),
            'worker 0 and worker 1 have the same address, b:2',
        ),
        (('worker', 0, ['a:1'], ['a:1']), 'the same address, a:1'),
        (('worker', 0, ['a'], ['b:2']), "ps 0 has address 'a'"),
        (('worker', 0, ['a:0'], ['b:2']), "ps 0 has address 'a:0'"),
    ):
      with self.assertRaisesRegex(errors.UsageError, expected):
        cluster.from_flags(job, index, ps_hosts=ps, worker_hosts=workers)
    for text, expected in (
        ('{', 'TF_CONFIG is not'),
        ('[]', 'TF_CONFIG is not'),
        (
            '{"cluster": {"ps": "a:1"}, "task": {"type": "ps", "index": 0}}',
            'TF_CONFIG is not',
        ),
        # Found by hypothesis.
        (
            '{"cluster": {}, "task": {"type": "ps", "index": Infinity}}',
            'is not',
        ),
        ('{"cluster": {}, "task": {"type": "ps", "index": 0.5}}', 'is not'),
        (
            '{"cluster": {"x": ["a:1"]}, "task": {"type": "x", "index": 0}}',
            "an unknown job 'x'",
        ),
        (
            '{"cluster": {"ps": ["a:1"]}, "task": {"type": "ps", "index": 0}}',
            'needs a ps and a worker',
        ),
        (
            '{"cluster": {"ps": ["a:1"], "chief": ["b:1", "c:1"]}, '
            '"task": {"type": "ps", "index": 0}}',
            '2 chiefs',
        ),
    ):
      with self.assertRaisesRegex(errors.UsageError, expected):
        cluster.from_tf_config(text)

  def test_other_machines_are_refused(self):
    for address in ('127.0.0.1:2', 'localhost:2', '[::1]:2', '127.9.9.9:2'):
      cluster.check_local(_with_ps(address))
    for address in ('10.0.0.1:1', 'example.org:1', '0.0.0.0:1'):
      with self.assertRaisesRegex(errors.UsageError, 'ps 0 is at .*on another'):
        cluster.check_local(_with_ps(address))

  def test_a_ps_that_does_not_answer_is_named(self):
    silent, accepts = _listener()
    gone, nobody = _listener()
    gone.close()
    [speaks] = processes.free_addresses(1)
    made = _with_ps(speaks)
    server = cluster.start_server(made)
    stop = signals.StopRequest()
    self.assertTrue(cluster.answers(speaks))
    self.assertFalse(cluster.answers(nobody))
    cluster.wait_for_ps(made, 0, stop)
    # It accepts connections, but sends nothing.
    with contextlib.closing(silent):
      for address in (nobody, accepts):
        two = made._replace(tasks=dict(made.tasks, ps=[speaks, address]))
        with self.assertRaisesRegex(errors.UsageError, 'ps 1 at ' + address):
          cluster.wait_for_ps(two, 0, stop)
      # A stop ends the waiting.
      stop.signum = signal.SIGTERM
      with self.assertRaises(cluster.Stopped):
        cluster.wait_for_ps(two, 60, stop)
    del server

  def test_what_is_a_server_of_ours(self):
    for parts, expected in (
        ([b''], False),
        ([b'SSH-2.0-OpenSSH_9.2\r\n'], False),
        ([b'HTTP/1.1 400 Bad Request'], False),
        # A frame that comes in pieces.
        ([_SETTINGS[:2], _SETTINGS[2:]], True),
    ):
      listener, address = _listener()
      with contextlib.closing(listener):
        thread = _speak_once(listener, *parts)
        self.assertEqual(expected, cluster.answers(address), parts)
        thread.join()

  def test_a_port_that_is_taken(self):
    listener, address = _listener()
    with (
        contextlib.closing(listener),
        self.assertRaisesRegex(errors.UsageError, 'ps 0 at .* is in use'),
    ):
      cluster.start_server(_with_ps(address))

  def test_watchdog_leaves_when_the_ps_is_gone(self):
    listener, address = _listener()
    leave = _Leave()
    made = _with_ps(address)._replace(job='worker')
    with cluster.ps_watchdog(made, 0.2, leave):
      # While it answers, no process exits, even after the time allowed.
      begin = time.monotonic()
      while time.monotonic() - begin < 0.4:
        _speak_once(listener, _SETTINGS).join()
      self.assertEmpty(leave.messages)
      # It no longer answers, though its port still accepts connections.
      self.assertTrue(leave.left.wait(60))
    listener.close()
    self.assertIn(
        'ps 0 at %s has been unreachable' % address, leave.messages[0]
    )

  def test_a_chief_may_come_late_but_not_go(self):
    [address] = processes.free_addresses(1)
    leave = _Leave()
    made = cluster.from_flags(
        'worker', 1, ps_hosts=['127.0.0.1:1'], worker_hosts=[address, 'a:1']
    )
    with cluster.chief_watchdog(made, 0.1, leave):
      self.assertFalse(leave.left.wait(0.5))
      with socket.create_server(
          ('127.0.0.1', int(address.rpartition(':')[2]))
      ) as listener:
        _speak_once(listener, _SETTINGS).join()
      self.assertTrue(leave.left.wait(60))
    self.assertIn(
        'worker 0 at %s, the chief, has been unreachable' % address,
        leave.messages[0],
    )
