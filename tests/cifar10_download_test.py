"""Getting the images, from a server on this machine."""

import hashlib
import http.server
import io
import os
import signal
import tarfile
import threading

from absl.testing import absltest

from cifar10_compat import cifar10_download
from cifar10_compat import datasets
from cifar10_compat import errors
from cifar10_compat import signals
from tests import record_fixture


def _archive(members):
  """Returns the bytes of a .tar.gz of {name: contents}."""
  buffer = io.BytesIO()
  with tarfile.open(fileobj=buffer, mode='w:gz') as tar:
    for name, contents in members.items():
      info = tarfile.TarInfo(name)
      if contents is None:
        info.type, info.linkname = tarfile.SYMTYPE, '/etc/passwd'
      else:
        info.size = len(contents)
      tar.addfile(info, io.BytesIO(contents or b''))
  return buffer.getvalue()


class _Handler(http.server.BaseHTTPRequestHandler):
  """Serves the server's `body`, or as much of it as `sent` says."""

  def do_GET(self):
    self.server.requests.append(self.path)
    self.send_response(self.server.status)
    self.send_header('Content-Length', str(len(self.server.body)))
    self.end_headers()
    self.wfile.write(self.server.body[:self.server.sent])

  def log_message(self, *args):
    pass


class DownloadTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    record = record_fixture.record(1, record_fixture.plain(1, 2, 3))
    names = datasets.CIFAR10.train_files + datasets.CIFAR10.eval_files
    self.body = _archive({'cifar-10-batches-bin/' + n: record for n in names})
    self.server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), _Handler)
    self.server.body, self.server.sent = self.body, None
    self.server.status, self.server.requests = 200, []
    thread = threading.Thread(target=self.server.serve_forever)
    thread.start()
    self.addCleanup(thread.join)
    self.addCleanup(self.server.server_close)
    self.addCleanup(self.server.shutdown)
    self.dataset = self._dataset(self.body)
    self.data_dir = os.path.join(self.create_tempdir().full_path, 'new', 'dir')

  def _dataset(self, body):
    return datasets.CIFAR10._replace(
        sources=(self._source('set.tar.gz', body),))

  def _source(self, name, body):
    return datasets.RemoteFile(
        'http://127.0.0.1:%d/%s' % (self.server.server_port, name), len(body),
        hashlib.sha256(body).hexdigest())

  def _get(self, dataset=None):
    cifar10_download.maybe_download_and_extract(
        self.data_dir, dataset or self.dataset)

  def _assert_error(self, expected, dataset=None):
    with self.assertRaisesRegex(errors.DataError, expected):
      self._get(dataset)
    # Nothing half-written is left that could be taken for whole.
    self.assertEqual([], [f for f in os.listdir(self.data_dir)
                          if f != 'set.tar.gz'])

  def test_download_once(self):
    self._get()
    self.assertEqual(5, datasets.check(self.dataset, self.data_dir, False))
    self.assertCountEqual(['set.tar.gz', 'cifar-10-batches-bin'],
                          os.listdir(self.data_dir))
    self._get()
    self.assertLen(self.server.requests, 1)

  def test_archive_that_lies_there_is_used(self):
    os.makedirs(self.data_dir)
    with open(os.path.join(self.data_dir, 'set.tar.gz'), 'wb') as f:
      f.write(self.body)
    self._get()
    self.assertEqual([], self.server.requests)
    self.assertEqual(1, datasets.check(self.dataset, self.data_dir, True))

  def test_broken_archive_that_lies_there_is_replaced(self):
    for broken in (self.body[:-1], self.body[:-1] + b'x'):
      self.data_dir = self.create_tempdir().full_path
      self.server.requests.clear()
      with open(os.path.join(self.data_dir, 'set.tar.gz'), 'wb') as f:
        f.write(broken)
      self._get()
      self.assertLen(self.server.requests, 1)
      self.assertEqual(1, datasets.check(self.dataset, self.data_dir, True))

  def test_other_bytes_than_expected(self):
    self.server.body = self.body[:-1] + b'x'
    self._assert_error('are not the %d bytes expected' % len(self.body))
    self.assertEqual([], os.listdir(self.data_dir))

  def test_connection_cut(self):
    self.server.sent = len(self.body) // 2
    self._assert_error('cannot download')

  def test_stopped(self):
    os.makedirs(self.data_dir)
    stop = signals.StopRequest()
    stop.signum = signal.SIGINT
    with self.assertRaisesRegex(errors.DataError, 'stopped downloading'):
      cifar10_download.maybe_download_and_extract(self.data_dir, self.dataset,
                                                  stop)
    self.assertEqual([], os.listdir(self.data_dir))

  def test_error_of_the_server(self):
    self.server.status = 503
    self._assert_error('503.*--dataset=synthetic')

  def test_no_network(self):
    # A port that nobody listens on answers at once.
    source = self.dataset.sources[0]._replace(url='http://127.0.0.1:1/x.tar.gz')
    self._assert_error('--data_dir that has cifar-10-batches-bin, .*'
                       '--dataset=synthetic',
                       self.dataset._replace(sources=(source,)))

  def test_paths_and_links_that_lead_out_are_left_in_the_archive(self):
    self.server.body = body = _archive({
        'cifar-10-batches-bin/test_batch.bin': b'good',
        'cifar-10-batches-bin/../../evil': b'bad',
        '/cifar-10-batches-bin/absolute': b'bad',
        'cifar-10-batches-bin/link': None,
        'elsewhere/file': b'bad'})
    self._get(self._dataset(body))
    directory = os.path.join(self.data_dir, 'cifar-10-batches-bin')
    self.assertEqual(['test_batch.bin'], os.listdir(directory))
    self.assertCountEqual(['set.tar.gz', 'cifar-10-batches-bin'],
                          os.listdir(self.data_dir))

  def test_archive_that_is_none(self):
    self.server.body = body = b'not gzip'
    self._assert_error('cannot be unpacked', self._dataset(body))

  def test_drawn(self):
    def draw(directory):
      os.mkdir(directory)
    self._get(self.dataset._replace(sources=(), make=draw))
    self.assertEqual(['cifar-10-batches-bin'], os.listdir(self.data_dir))
    self.assertEqual([], self.server.requests)

  def test_made_of_two_sources(self):
    made = []
    def make(*paths):
      made.append([os.path.relpath(p, self.data_dir) for p in paths])
    # The server gives the same to all.
    self._get(self.dataset._replace(
        sources=(self._source('a.mat', self.body),
                 self._source('b.mat', self.body)), make=make))
    self.assertEqual([['cifar-10-batches-bin', 'a.mat', 'b.mat']], made)
    self.assertEqual(['/a.mat', '/b.mat'], self.server.requests)

  def test_data_dir_that_cannot_be_made(self):
    self.data_dir = os.path.join(self.create_tempfile().full_path, 'x')
    with self.assertRaisesRegex(errors.UsageError, 'write to data_dir .*/x'):
      self._get()


if __name__ == '__main__':
  absltest.main()
