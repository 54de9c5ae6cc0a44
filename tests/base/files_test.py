"""Directories appear complete or not at all, even on a full disk."""

import contextlib
import errno
import multiprocessing
import os
import pathlib
import resource
import signal

from absl.testing import absltest

from cifar10_compat.base import files


class FilesTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self.parent = self.create_tempdir().full_path
    self.directory = os.path.join(self.parent, 'a', 'set')

  def test_whole(self):
    with files.whole_directory(self.directory) as whole:
      files.write(os.path.join(whole, 'x'), (bytes([i]) for i in range(3)))
      self.assertFalse(os.path.exists(self.directory))
    self.assertEqual(['set'], os.listdir(os.path.dirname(self.directory)))
    self.assertEqual(b'\0\1\2', pathlib.Path(self.directory, 'x').read_bytes())

  def test_only_files_are_opened(self):
    path = os.path.join(self.parent, 'x')
    with self.assertRaises(FileNotFoundError):
      files.open_regular(path)
    pathlib.Path(path).write_bytes(b'contents')
    with files.open_regular(path) as f:
      self.assertEqual(b'contents', f.read())
    pipe = os.path.join(self.parent, 'pipe')
    os.mkfifo(pipe)  # No process ever writes to it.
    for other, expected in (
        (pipe, 'it is a pipe, not a file'),
        (self.parent, 'it is a directory, not a file'),
        ('/dev/zero', 'it is a device, not a file'),
    ):
      with self.assertRaises(OSError) as raised:
        files.check_regular(other)
      self.assertEqual((other, expected), (other, raised.exception.strerror))

  def test_own_files(self):
    parent = pathlib.Path(self.parent)
    own = parent / 'own'
    with files.open_own(str(own)) as f:
      f.write(b'ab')
    with files.open_own(str(own)) as f:
      self.assertEqual(b'ab', f.read())
    os.mkfifo(parent / 'pipe')
    os.symlink(own, parent / 'link')
    os.symlink(parent / 'missing', parent / 'nowhere')
    os.link(own, parent / 'other')
    for name in ('pipe', 'link', 'nowhere', 'other'):
      with self.assertRaisesRegex(
          OSError, 'it is a (link|pipe)|it has another hard link'
      ):
        files.open_own(str(parent / name))
    self.assertNotIn('missing', os.listdir(self.parent))

  def test_what_a_killed_process_left_is_removed(self):
    def fill_and_die():
      with (
          files.whole_directory(self.directory) as whole,
          open(os.path.join(whole, 'x'), 'wb'),
      ):
        os.kill(os.getpid(), signal.SIGKILL)

    process = multiprocessing.get_context('fork').Process(target=fill_and_die)
    process.start()
    process.join()
    self.assertEqual(-signal.SIGKILL, process.exitcode)
    above = os.path.dirname(self.directory)
    (left,) = os.listdir(above)
    # The user's directories, though their names are similar.
    theirs = ('set.tmp1', 'set.tmp_old_one', 'set.tmp20261129')
    for name in theirs:
      os.mkdir(os.path.join(above, name))
    pathlib.Path(above, 'set.tmp20261129', 'precious').touch()
    with files.whole_directory(self.directory):
      # A directory being filled stays.
      with files.whole_directory(self.directory + '.other'):
        pass
      self.assertLen(
          [n for n in os.listdir(above) if n.startswith('set.tmp')], 4
      )
    self.assertNotIn(left, os.listdir(above))
    self.assertCountEqual([*theirs, 'set', 'set.other'], os.listdir(above))
    # In an existing directory, too.
    self.assertEqual([], os.listdir(self.directory))
    process = multiprocessing.get_context('fork').Process(target=fill_and_die)
    process.start()
    process.join()
    self.assertLen(os.listdir(self.directory), 1)
    self.assertTrue(files.is_free(self.directory))
    self.assertEqual([], os.listdir(self.directory))

  def test_no_room(self):
    # A limit on file sizes simulates a full disk.
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, limits[1]))
    try:
      with (
          self.assertRaises(OSError) as caught,
          files.whole_directory(self.directory) as whole,
      ):
        files.write(os.path.join(whole, 'x'), [bytes(4000)])
        files.write(os.path.join(whole, 'y'), [bytes(4000)] * 2)
    finally:
      resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    self.assertEqual(errno.EFBIG, caught.exception.errno)
    self.assertEqual([], os.listdir(self.parent))

  def test_replace(self):
    path = os.path.join(self.parent, 'x')
    files.replace(path, b'first')
    link = os.path.join(self.parent, 'link')
    os.symlink(path, link)
    files.replace(link, b'second')
    for name, expected in ((path, b'first'), (link, b'second')):
      with open(name, 'rb') as f:
        self.assertEqual(expected, f.read())
    os.mkdir(os.path.join(self.parent, 'directory'))
    pipe = os.path.join(self.parent, 'pipe')
    os.mkfifo(pipe)
    for other in (os.path.join(self.parent, 'directory'), pipe, '/dev/stdout'):
      with self.assertRaisesRegex(OSError, 'it is not a regular file'):
        files.replace(other, b'third')
    self.assertCountEqual(
        ['x', 'link', 'directory', 'pipe'], os.listdir(self.parent)
    )

  def test_existing_directory_is_filled(self):
    os.makedirs(self.directory)
    os.chmod(self.directory, 0o2770)
    link = os.path.join(self.parent, 'link')
    os.symlink(self.directory, link)
    before = os.stat(self.directory)
    self.assertTrue(files.is_free(link))
    with files.whole_directory(link) as whole:
      files.write(os.path.join(whole, 'x'), [])
      os.mkdir(os.path.join(whole, 'y'))
      self.assertNotIn('x', os.listdir(link))
    self.assertCountEqual(['x', 'y'], os.listdir(self.directory))
    after = os.stat(self.directory)
    self.assertEqual(
        (before.st_ino, before.st_mode), (after.st_ino, after.st_mode)
    )
    self.assertFalse(files.is_free(link))
    with self.assertRaises(OSError):
      with files.whole_directory(link) as whole:
        files.write(os.path.join(whole, 'z'), [])
    self.assertCountEqual(['x', 'y'], os.listdir(self.directory))

  def test_made_directory(self):
    a = os.path.join(self.parent, 'a')
    for path in ('a/b/c', 'a/b/' + 300 * 'x'):
      with (
          contextlib.suppress(OSError),
          files.made_directory(os.path.join(self.parent, path)),
      ):
        self.assertEqual(['c'], os.listdir(os.path.join(a, 'b')))
      self.assertEqual([], os.listdir(self.parent))
    with files.made_directory(os.path.join(a, 'b')):
      pathlib.Path(a, 'file').touch()
    self.assertEqual(['file'], os.listdir(a))
    os.remove(os.path.join(a, 'file'))
    with files.made_directory(a):  # An existing one stays.
      pass
    self.assertEqual(['a'], os.listdir(self.parent))

  def test_directory_that_appears_meanwhile(self):
    theirs = os.path.join(self.directory, 'theirs')
    for exist_ok in (False, True):
      try:
        with files.whole_directory(self.directory, exist_ok) as whole:
          files.write(os.path.join(whole, 'ours'), [])
          os.makedirs(theirs, exist_ok=True)
        self.assertTrue(exist_ok)
      except OSError as e:
        self.assertFalse(exist_ok)
        self.assertIn(e.errno, (errno.EEXIST, errno.ENOTEMPTY))
      self.assertEqual(['theirs'], os.listdir(self.directory))
      self.assertEqual(['set'], os.listdir(os.path.dirname(self.directory)))
