"""Downloads images from a local server; fetch_test.py has the faults."""

from concurrent import futures
import errno
import fcntl
import gzip
import hashlib
import io
import os
import pathlib
import signal
import tarfile
import threading
from unittest import mock

from absl.testing import absltest

from cifar10_compat.base import errors
from cifar10_compat.base import output
from cifar10_compat.base import signals
from cifar10_compat.data import checks
from cifar10_compat.data import datasets
from cifar10_compat.data import description
from cifar10_compat.data import download
from tests.helpers import record_fixture
from tests.helpers import unreliable_server

_NAME = 'cifar-10-batches-bin'
_LOCK = '.download.lock'


def _archive(members):
  """Returns the bytes of a .tar.gz.

  Args:
    members: list of (str, bytes) for files, or (str, type of tarfile).
  """
  buffer = io.BytesIO()
  with tarfile.open(fileobj=buffer, mode='w:gz') as tar:
    for name, contents in members:
      info = tarfile.TarInfo(name)
      if contents in (
          tarfile.SYMTYPE,
          tarfile.LNKTYPE,
          tarfile.CHRTYPE,
          tarfile.FIFOTYPE,
          tarfile.DIRTYPE,
      ):
        info.type, info.linkname, contents = contents, '/etc/passwd', b''
      info.size = len(contents)
      tar.addfile(info, io.BytesIO(contents))
  return buffer.getvalue()


class DownloadTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    record = record_fixture.record(1, record_fixture.plain(1, 2, 3))
    names = datasets.CIFAR10.train_files + datasets.CIFAR10.eval_files
    self.files = [(_NAME + '/' + n, record) for n in names]
    self.body = _archive(
        [(_NAME, tarfile.DIRTYPE)]
        + self.files
        + [(_NAME + '/more/x', b'x'), ('elsewhere/y', b'y')]
    )
    self.server = unreliable_server.Server(self.body)
    self.addCleanup(self.server.close)
    self.dataset = self._dataset(self.body)
    self.data_dir = os.path.join(self.create_tempdir().full_path, 'new', 'dir')
    self.archive = pathlib.Path(self.data_dir, 'set.tar.gz')

  def _source(self, name, body):
    return description.RemoteFile(
        self.server.url.replace('set.tar.gz', name),
        len(body),
        hashlib.sha256(body).hexdigest(),
    )

  def _dataset(self, body):
    return datasets.CIFAR10._replace(
        sources=(self._source('set.tar.gz', body),)
    )

  def _get(self, dataset=None, **kwargs):
    download.maybe_download_and_extract(
        self.data_dir, dataset=dataset or self.dataset, **kwargs
    )

  def _assert_refused(self, expected, body):
    """Checks that an archive, which the server serves, is refused."""
    self.server.body = body
    with self.assertRaisesRegex(errors.DataError, expected):
      self._get(self._dataset(body))
    # No incomplete directory remains that could pass as complete.
    self.assertCountEqual(['set.tar.gz', _LOCK], os.listdir(self.data_dir))
    self.archive.unlink()

  def test_download_once(self):
    self._get()
    self.assertEqual(5, checks.check(self.dataset, self.data_dir, False))
    self.assertCountEqual(
        ['set.tar.gz', _NAME, _LOCK], os.listdir(self.data_dir)
    )
    self.assertLen(os.listdir(os.path.join(self.data_dir, _NAME)), 6)
    self._get()
    self.assertLen(self.server.ranges, 1)

  def test_archive_that_lies_there_is_used_unless_it_is_broken(self):
    for contents, requests in (
        (self.body, []),
        (self.body[:-1], ['']),
        (self.body[:-1] + b'x', ['']),
    ):
      self.data_dir = self.create_tempdir().full_path
      self.server.ranges.clear()
      pathlib.Path(self.data_dir, 'set.tar.gz').write_bytes(contents)
      self._get()
      self.assertEqual(requests, self.server.ranges)
      self.assertEqual(1, checks.check(self.dataset, self.data_dir, True))

  def test_mirrors_come_first(self):
    mirror = unreliable_server.Server(self.body)
    self.addCleanup(mirror.close)
    mirror.script = [unreliable_server.call('error', 404)]
    self._get(
        mirrors=[
            mirror.url.replace('set.tar.gz', 'gone/'),
            mirror.url.replace('/set.tar.gz', ''),
        ]
    )
    self.assertEqual(['/gone/set.tar.gz', '/set.tar.gz'], mirror.paths)
    self.assertEqual([], self.server.paths)

  def test_stopped_and_resumed(self):
    stop = signals.StopRequest()

    def interrupt(handler):
      handler.whole(50)
      stop.signum = signal.SIGINT

    self.server.script = [interrupt]
    with self.assertRaisesRegex(errors.DataError, 'stopped downloading'):
      self._get(stop=stop)
    part = os.path.join(self.data_dir, 'set.tar.gz.part')
    size = os.path.getsize(part)
    self.assertBetween(size, 1, 50)
    self._get()
    self.assertEqual(['', 'bytes=%d-' % size], self.server.ranges)
    self.assertFalse(os.path.exists(part))

  def test_two_at_once(self):
    # The second process starts while the first one waits for its response.
    asked, waiting = threading.Event(), threading.Event()

    def answer(handler):
      asked.set()
      waiting.wait(60)
      handler.whole()

    self.server.script = [answer]
    with futures.ThreadPoolExecutor() as pool:
      first = pool.submit(self._get)
      self.assertTrue(asked.wait(60))
      with mock.patch.object(
          output, 'say', side_effect=lambda _: waiting.set()
      ):
        second = pool.submit(self._get)
        self.assertTrue(waiting.wait(60))
        first.result()
        second.result()
    self.assertLen(self.server.ranges, 1)
    self.assertEqual(5, checks.check(self.dataset, self.data_dir, False))

  def test_stopped_while_another_process_works(self):
    os.makedirs(self.data_dir)
    stop = signals.StopRequest()
    stop.signum = signal.SIGTERM
    with open(os.path.join(self.data_dir, _LOCK), 'w') as f:
      fcntl.flock(f, fcntl.LOCK_EX)
      with self.assertRaisesRegex(errors.DataError, 'stopped waiting'):
        self._get(stop=stop)
    self.assertEqual([], self.server.ranges)

  def test_archives_that_are_refused(self):
    link = "'%s/x', a link or a device" % _NAME
    for members, expected in (
        # Names that lead out.
        (
            [*self.files, (_NAME + '/../../evil', b'x')],
            _NAME + '/../../evil.*leads out of the archive',
        ),
        (
            [*self.files, ('../evil', b'x')],
            r'\.\./evil.*leads out of the archive',
        ),
        (
            [*self.files, ('/etc/evil', b'x')],
            '/etc/evil.*leads out of the archive',
        ),
        # Names that cannot be written.
        (
            [*self.files, (_NAME + '/' + 'x' * 300, b'x')],
            'which is not a valid file name',
        ),
        ([*self.files, (_NAME + '/', b'x')], 'which is not a valid file name'),
        ([*self.files, (_NAME + '/.', b'x')], 'which is not a valid file name'),
        (
            [*self.files, (_NAME + '/a\nb', b'x')],
            'which is not a valid file name',
        ),
        ([(_NAME + '/x', tarfile.SYMTYPE), *self.files], link),
        ([(_NAME + '/x', tarfile.LNKTYPE), *self.files], link),
        ([(_NAME + '/x', tarfile.CHRTYPE), *self.files], link),
        ([(_NAME + '/x', tarfile.FIFOTYPE), *self.files], link),
        # Another set.
        ([('x', b'x')], 'no files of ' + _NAME),
    ):
      self._assert_refused(expected, _archive(members))
    # As if published like this: its SHA-256 is right.
    for body in (
        b'not gzip',
        self.body[:-200],
        self.body[:100] + self.body[101:],
        self.body[:-8] + b'x' * 8,
    ):
      self._assert_refused('cannot be unpacked', body)

  def test_archive_that_is_a_bomb(self):
    # 600 KB that would unpack to 513 MB.
    self._assert_bomb_refused(tarfile.REGTYPE, _NAME + '/x.bin', limit=512)
    # With a lower limit: as a skipped file; as a header, which tarfile reads
    # into memory; after the end.
    with mock.patch.object(download, '_MAX_UNPACKED', 4 << 20):
      for kind, name in (
          (tarfile.REGTYPE, 'elsewhere/x'),
          (tarfile.XHDTYPE, 'x'),
          (tarfile.GNUTYPE_LONGNAME, 'x'),
      ):
        self._assert_bomb_refused(kind, name)
      self._assert_bomb_refused(tarfile.REGTYPE, _NAME + '/x.bin', length=0)

  def _assert_bomb_refused(self, kind, name, limit=4, length=None):
    zeros = bytes(limit + 1 << 20)
    info = tarfile.TarInfo(name)
    info.type = kind
    info.size = len(zeros) if length is None else length
    self._assert_refused(
        'more than %d MB' % limit,
        gzip.compress(info.tobuf(tarfile.USTAR_FORMAT))
        + gzip.compress(zeros, 1),
    )

  def test_lost_output_is_not_the_directorys_fault(self):
    full = OSError(errno.ENOSPC, 'No space left on device')
    dataset = self.dataset._replace(
        sources=(), make=mock.Mock(side_effect=full)
    )
    for is_lost, expected in ((True, OSError), (False, errors.UsageError)):
      with (
          mock.patch.object(output, 'is_lost', return_value=is_lost),
          self.assertRaises(expected),
      ):
        self._get(dataset)

  def test_drawn(self):
    self._get(self.dataset._replace(sources=(), make=os.mkdir))
    self.assertCountEqual([_NAME, _LOCK], os.listdir(self.data_dir))
    self.assertEqual([], self.server.ranges)

  def test_made_of_two_sources(self):
    made = []

    def make(*paths):
      made.append([os.path.relpath(p, self.data_dir) for p in paths])

    # The server serves the same bytes for all.
    self._get(
        self.dataset._replace(
            sources=(
                self._source('a.mat', self.body),
                self._source('b.mat', self.body),
            ),
            make=make,
        )
    )
    self.assertEqual([[_NAME, 'a.mat', 'b.mat']], made)
    self.assertEqual(['/a.mat', '/b.mat'], self.server.paths)

  def test_version_for_python(self):
    os.makedirs(os.path.join(self.data_dir, 'cifar-10-batches-py'))
    with self.assertRaisesRegex(
        errors.UsageError,
        'contains cifar-10-batches-py, the version for Python, .*: put set.tar.gz '
        'there, or choose another --data_dir to download it$',
    ):
      self._get()
    self.assertEqual([], self.server.paths)
    # A user who put the archive there knows.
    self.archive.write_bytes(self.body)
    self._get()
    self.assertTrue(os.path.isdir(os.path.join(self.data_dir, _NAME)))

  def test_directory_of_the_files_themselves(self):
    os.makedirs(self.data_dir)
    pathlib.Path(self.data_dir, self.dataset.train_files[0]).touch()
    with self.assertRaisesRegex(
        errors.UsageError,
        'itself contains the files of .*: rename it',
    ):
      self._get()
    self.assertLen(os.listdir(self.data_dir), 1)

  def test_link_to_a_disk_that_is_not_mounted(self):
    os.makedirs(self.data_dir)
    os.symlink('/unmounted/disk', os.path.join(self.data_dir, _NAME))
    with self.assertRaisesRegex(errors.UsageError, 'a link to a missing'):
      self._get()
    self.assertEqual([_NAME], os.listdir(self.data_dir))

  def test_pipes_in_place_of_files(self):
    # No process ever reads from them or writes to them.
    os.makedirs(self.data_dir)
    for name in (_LOCK, 'set.tar.gz.part'):
      path = os.path.join(self.data_dir, name)
      os.mkfifo(path)
      with self.assertRaisesRegex(
          errors.UsageError, path + ': it is a pipe, not a file'
      ):
        self._get()
      os.remove(path)
    # In place of the source, a pipe is an invalid file, and is replaced.
    os.mkfifo(self.archive)
    self._get()

  def test_data_dir_that_cannot_be_made(self):
    self.data_dir = os.path.join(self.create_tempfile().full_path, 'x')
    with self.assertRaisesRegex(errors.UsageError, 'write to data_dir .*/x'):
      self._get()
