"""From images, made here with Pillow, to an image set."""

import json
import os
import pathlib
import resource
import signal
import subprocess
import sys

from absl.testing import absltest
import numpy as np
from PIL import Image

from cifar10_compat.base import errors
from cifar10_compat.data import checks
from cifar10_compat.data import datasets
from tests.helpers import record_fixture
from tests.helpers import tool_program
from tools.images import make_records


def _records(dataset, eval_data=False):
  """Returns the labels, [n], and the images, [n, 32, 32, 3], of a set."""
  (path,) = dataset.filenames('', eval_data)
  records = np.fromfile(path, np.uint8).reshape(-1, 3073)
  return records[:, 0], records[:, 1:].reshape(-1, 3, 32, 32).transpose(
      0, 2, 3, 1
  )


# Lets a module, or a function once its module is imported, say so and wait.
_WAITING = """
import builtins, os, sys, time
slow = os.environ['SLOW']
real = builtins.__import__
def wait():
  os.write(1, b'waiting\\n')  # Not print(): a signal may interrupt its flush.
  time.sleep(600)
def find(name, *args, **kwargs):
  if name == slow:
    wait()
  found = real(name, *args, **kwargs)
  module, _, function = slow.rpartition('.')
  if getattr(sys.modules.get(module), function, wait) is not wait:
    setattr(sys.modules[module], function, wait)
  return found
builtins.__import__ = find
"""


class MakeTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    root = self.create_tempdir().full_path
    self.images = os.path.join(root, 'images')
    self.out = os.path.join(root, 'new', 'pets')
    self._fill('cat', 10, 1)
    self._fill('dog', 5, 2)

  def _fill(self, folder, n, red):
    """Writes n images; the red tells the class, the green the image."""
    path = os.path.join(self.images, folder)
    os.makedirs(path, exist_ok=True)
    for i in range(n):
      Image.fromarray(record_fixture.plain(red, i, 0)).save(
          os.path.join(path, '%03d.png' % i)
      )

  def _file(self, name, contents=b''):
    pathlib.Path(self.images, name).write_bytes(contents)

  def test_split(self):
    self._file('cat/.DS_Store')
    self._file('notes.txt')
    os.mkdir(os.path.join(self.images, '.git'))
    dataset = make_records.make(self.images, self.out)
    self.assertEqual(dataset, datasets.get(self.out))
    self.assertEqual(
        ('pets', ('cat', 'dog'), 12, 3, True),
        (
            dataset.name,
            dataset.class_names,
            dataset.num_examples_per_epoch_for_train,
            dataset.num_examples_per_epoch_for_eval,
            dataset.flip,
        ),
    )
    self.assertCountEqual(
        ['train.bin', 'test.bin', 'image_set.json'], os.listdir(self.out)
    )
    self.assertEqual(['pets'], os.listdir(os.path.dirname(self.out)))
    seen = set()
    for eval_data, counts in ((False, [8, 4]), (True, [2, 1])):
      labels, images = _records(dataset, eval_data)
      self.assertEqual(counts, list(np.bincount(labels)))
      # The red is the class, so labels and pixels belong together.
      np.testing.assert_array_equal(labels + 1, images[:, 7, 7, 0])
      seen |= {(l, i[7, 7, 1]) for l, i in zip(labels, images)}
      checks.check(dataset, '', eval_data)
    # Each image once.
    self.assertEqual(
        {(0, i) for i in range(10)} | {(1, i) for i in range(5)}, seen
    )
    # The classes are mixed, as the trainer shuffles a part at a time.
    labels, _ = _records(dataset)
    self.assertNotEqual(sorted(labels), list(labels))

  def test_same_seed_same_files(self):
    contents = []
    for name, seed in (('a', 0), ('b', 0), ('c', 1)):
      dataset = make_records.make(self.images, self.out + name, seed=seed)
      contents.append([_records(dataset, e)[1].tobytes() for e in (0, 1)])
    self.assertEqual(contents[0], contents[1])
    self.assertNotEqual(contents[0][1], contents[2][1])

  def test_fraction(self):
    for fraction, expected in ((0.5, [5, 2]), (0.999, [9, 4]), (1e-9, [1, 1])):
      _, _, test = make_records.split(self.images, fraction, 0)
      self.assertEqual(expected, list(np.bincount([l for _, l in test])))
    for fraction in (0, 1, -1, float('nan')):
      with self.assertRaisesRegex(errors.UsageError, 'between 0 and 1'):
        make_records.make(self.images, self.out, test_fraction=fraction)

  def test_folders_train_and_test_are_the_split(self):
    self.images = self.create_tempdir().full_path
    for folder, n in (
        ('train/a', 3),
        ('train/b', 2),
        ('test/a', 1),
        ('test/b', 4),
    ):
      self._fill(folder, n, 9)
    dataset = make_records.make(self.images, self.out, flip=False)
    self.assertFalse(datasets.get(self.out).flip)
    self.assertEqual([3, 2], list(np.bincount(_records(dataset)[0])))
    self.assertEqual([1, 4], list(np.bincount(_records(dataset, True)[0])))

    self.out += '2'
    self._fill('test/c', 1, 9)
    self._assert_error("class 'c' in only one of train and test")
    self._fill('more', 1, 9)
    self._assert_error(
        'contains the folders more, test, train: the directory must contain '
        'one folder for'
    )

  def _assert_error(self, expected, kind=errors.DataError):
    with self.assertRaisesRegex(kind, expected):
      make_records.make(self.images, self.out)
    # Nothing that looks like a set, or is in the way.
    parent = os.path.dirname(self.out)
    if os.path.exists(parent):
      self.assertNotIn('tmp', ' '.join(os.listdir(parent)))
    self.assertFalse(os.path.exists(self.out))

  def test_other_names_of_folders_for_the_split(self):
    for n, (train, test) in enumerate(
        (('Training_Images', 'Testing_Images'), ('train', 'val'))
    ):
      self.images = self.create_tempdir().full_path
      for folder, count in ((train, 3), (test, 1)):
        for name in ('a', 'b'):
          self._fill(os.path.join(folder, name), count, 9)
      dataset = make_records.make(self.images, self.out + str(n))
      self.assertEqual(('a', 'b'), dataset.class_names)
      self.assertLen(_records(dataset)[0], 6)
      self.assertLen(_records(dataset, True)[0], 2)
    self._fill('test/a', 1, 9)
    self._assert_error(
        'contains the folders test, train, val: the directory must contain one '
        'folder for'
    )

  def test_what_file_managers_leave(self):
    os.makedirs(os.path.join(self.images, '__MACOSX', 'cat'))
    for name in ('Thumbs.db', 'cat/Thumbs.db', 'dog/desktop.ini'):
      self._file(name)
    # A link to itself is not an image; see below.
    loop = os.path.join(self.images, 'cat', 'loop.png')
    os.symlink(loop, loop)
    ran = tool_program.run(
        make_records.main, '--images=' + self.images, '--out=' + self.out
    )
    self.assertIn('1 of 16 images cannot be decoded', ran.err)
    os.remove(loop)
    code, out, err = tool_program.run(
        make_records.main, '--images=' + self.images, '--out=' + self.out
    )
    self.assertEqual((0, ''), (code, err))
    self.assertIn(
        'Ignored 4 entries named Thumbs.db, desktop.ini or __MACOSX.\n', out
    )
    self.assertIn('Wrote 12 training and 3 test images of 2 classes', out)

  def test_numbers_in_names_count(self):
    self.images = self.create_tempdir().full_path
    names = ('0', '1', '2', '10', 'a1b', 'a2', 'a10')
    for name in names:
      self._fill(name, 2, int(name[1:] or name) if name.isdigit() else 7)
    code, out, err = tool_program.run(
        make_records.main, '--images=' + self.images, '--out=' + self.out
    )
    self.assertEqual((0, ''), (code, err))
    self.assertEqual(names, datasets.get(self.out).class_names)
    self.assertIn(
        'label  class\n0      0\n1      1\n2      2\n3      10\n4      a1b\n',
        out,
    )

  def test_sixteen_bits(self):
    for i in range(2):
      Image.fromarray(np.full((32, 32), 2048, np.uint16)).save(
          os.path.join(self.images, 'dog', f'16-{i}.png')
      )
    for args, value in (((), 8), (('--white=4095',), 128)):
      out = f'{self.out}{value}'
      code, _, err = tool_program.run(
          make_records.main, '--images=' + self.images, '--out=' + out, *args
      )
      self.assertEqual(0, code)
      self.assertEqual(not args, 'more images are similar' in err, err)
      records = datasets.get(out)
      pixels = np.concatenate(
          [_records(records)[1], _records(records, True)[1]]
      )
      self.assertEqual(2, np.sum(np.all(pixels == value, axis=(1, 2, 3))))

  def test_images_that_do_not_decode_are_counted(self):
    self._file('cat/bad.png', b'no image')
    self._file('dog/empty.jpg')
    self._assert_error(
        r'^2 of 17 images cannot be decoded: [^\n]*cat/bad.png '
        r'[^\n]*; [^\n]*dog/empty.jpg [^\n]*; repair or remove'
    )

  def test_classes(self):
    self._fill('bird', 0, 3)
    self._assert_error('images/bird has no images')
    self._fill('bird', 1, 3)
    self._assert_error("bird/000.png is the only image of class 'bird'")
    self._fill('bird', 2, 3)
    self._fill('CAT', 2, 3)
    self._assert_error("'CAT' and 'cat' are too similar")
    self.images = os.path.join(self.images, 'cat')
    self._assert_error('must be 2 to 256 classes, not 0')
    self._fill('one', 2, 3)
    self._assert_error('must be 2 to 256 classes, not 1')
    self._fill('two/deeper', 2, 3)
    self._assert_error("two contains a folder, 'deeper'")
    self.images = os.path.join(self.images, 'missing')
    self._assert_error('--images must be a directory', errors.UsageError)

  def test_too_many_classes(self):
    for i in range(255):
      os.mkdir(os.path.join(self.images, str(i)))
    self._assert_error('must be 2 to 256 classes, not 257')

  def test_name_that_is_no_text(self):
    os.mkdir(os.path.join(os.fsencode(self.images), b'\xff'))
    self._assert_error('is not a printable name')

  def test_out_exists(self):
    os.makedirs(self.out)
    with self.assertRaisesRegex(errors.UsageError, 'pets already exists'):
      make_records.make(self.images, self.out)
    self.assertEqual([], os.listdir(self.out))

  def test_no_room(self):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20000, limits[1]))
    try:
      self._assert_error(
          'cannot write .*pets .File too large.*--out', errors.UsageError
      )
    finally:
      resource.setrlimit(resource.RLIMIT_FSIZE, limits)

  def test_command_line(self):
    code, out, err = tool_program.run(
        make_records.main,
        '--images=' + self.images,
        '--out=' + self.out,
        '--test_fraction=0.5',
        '--noflip',
    )
    self.assertEqual((0, ''), (code, err))
    self.assertEqual(
        'label  class\n0      cat\n1      dog\n'
        'Wrote 8 training and 7 test images of 2 classes: '
        'train with --dataset=%s\n' % self.out,
        out,
    )
    self.assertIs(
        False,
        json.loads(pathlib.Path(self.out, 'image_set.json').read_text())[
            'flip'
        ],
    )
    code, out, err = tool_program.run(make_records.main, '--check', self.out)
    self.assertEqual((0, ''), (code, err))
    self.assertIn('dog', out)
    self.assertIn('contact_sheet.png', os.listdir(self.out))
    for args, expected in (
        ((), 'one of the arguments --images --check is required'),
        (('--images=x',), '--images needs --out'),
        (('--images=x', '--out=y', '--seed=-1'), '--seed must be'),
        (
            ('--images=x', '--out=y', '--white=0'),
            '--white must be from 1 to 65535',
        ),
        (('--images=x', '--check=y'), 'not allowed with'),
        (('--check=/missing',), "no data set is called '/missing'"),
        (('--check=/missing', '--dataset=cifar10'), 'cannot read /missing'),
    ):
      tool_program.assert_refused(self, make_records.main, args, expected)

  def test_ctrl_c_while_a_tool_loads_and_while_it_works(self):
    # The module waits where it imports, or where it works, what takes long.
    directory = self.create_tempdir().full_path
    with open(os.path.join(directory, 'sitecustomize.py'), 'w') as f:
      f.write(_WAITING)
    for slow in ('rich.progress', 'cifar10_compat.data.images.pillow'):
      process = subprocess.Popen(
          [sys.executable, '-m', 'tools.images.make_records']
          + ['--images=' + directory, '--out=' + directory + '-out'],
          env=dict(
              os.environ,
              PYTHONPATH=os.pathsep.join([directory, *sys.path]),
              SLOW=slow,
          ),
          stdout=subprocess.PIPE,
          stderr=subprocess.PIPE,
          text=True,
      )
      self.assertEqual('waiting\n', process.stdout.readline())
      process.send_signal(signal.SIGINT)
      self.assertEqual(('', ''), process.communicate())
      self.assertIn(
          process.returncode, (-signal.SIGINT, 128 + signal.SIGINT), slow
      )
