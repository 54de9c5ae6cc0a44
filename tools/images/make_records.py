r"""Creates an image set from your own images, and checks image sets.

  make_records --images=DIR --out=DIR [--test_fraction=0.2] [--noflip]

The DIR of --images contains a folder per class, named after the class, with
images of any size in any format that Pillow reads; or two folders, train and
test, each with a folder per class.  The programs read the new set with
--dataset=DIR, where DIR is the directory given as --out.

  make_records --check DIR [--dataset=NAME] [--contact_sheet=FILE.png]

The DIR of --check is the directory of a set or, with --dataset, the --data_dir
of the set.  The check prints the number of images of each class, sizes, labels,
the mean and standard deviation of each color and the images that are all zero,
and draws a sheet with samples of each class.
"""

# Import first: the command line imports TensorFlow, which reads its log levels
# at load time.
from cifar10_compat.base import quiet  # noqa: F401  # isort: skip

import os
import re
import sys

import numpy as np
import rich.progress

from cifar10_compat.base import errors
from cifar10_compat.base import files
from cifar10_compat.base import progress
from cifar10_compat.data import datasets
from cifar10_compat.data import description
from cifar10_compat.data import images as images_lib

from ..base import command_line
from ..base import text_tables
from . import check_records

# Lowercase names of the folders with training and test images.
_TRAINS = ('train', 'training', 'train_images', 'training_images')
_TESTS = (
    'test', 'testing', 'test_images', 'testing_images',
    'val', 'valid', 'validation', 'val_images', 'validation_images',
)  # fmt: skip

# Lowercase names of files that file managers create beside images.
_BY_THE_WAY = ('thumbs.db', 'desktop.ini', '__macosx')

# Maximum number of undecodable images to list in a message.
_NAMED = 5


def _entries(directory):
  """Lists the visible entries of a directory, sorted by name.

  Returns:
    folders: list of str, the names of the folders.
    files: list of str, the paths of the files.
  """
  try:
    entries = sorted(os.scandir(directory), key=lambda e: e.name)
  except OSError as e:
    raise errors.UsageError(
        'cannot read %s (%s): --images must be a directory'
        % (directory, e.strerror)
    ) from e
  seen = [
      e
      for e in entries
      if not e.name.startswith('.') and e.name.lower() not in _BY_THE_WAY
  ]
  # Unlike DirEntry.is_dir(), os.path.isdir() does not fail for a link to
  # itself.
  folders = [e.name for e in seen if os.path.isdir(e)]
  return folders, [e.path for e in seen if e.name not in folders]


def _natural(name):
  """Returns a sort key that sorts 2 before 10."""
  parts = re.split(r'(\d+)', name)
  parts[1::2] = map(int, parts[1::2])
  return parts, name


def _count_by_the_way(directory):
  """Counts the entries below a directory that file managers created."""
  return sum(
      name.lower() in _BY_THE_WAY
      for _, folders, names in os.walk(directory)
      for name in folders + names
  )


def find_classes(directory):
  """Lists the images of each class.

  Args:
    directory: str, a directory that contains a folder per class.

  Returns:
    dict from each class to the list of paths of its files; classes and paths
    are sorted, with 2 before 10.  Hidden files and files created by file
    managers are omitted.

  Raises:
    DataError: there are too few or too many classes, a class folder contains no
      images or contains a folder, or two class names are too similar.
  """
  names = sorted(_entries(directory)[0], key=_natural)
  try:
    description.check_class_names(names)
  except ValueError as e:
    raise errors.DataError(
        'the class folders in %s: %s' % (directory, e)
    ) from e
  classes = {}
  for name in names:
    folder = os.path.join(directory, name)
    inner, classes[name] = _entries(folder)
    if inner:
      raise errors.DataError(
          '%s contains a folder, %r: a class folder must contain only images'
          % (folder, inner[0])
      )
    if not classes[name]:
      raise errors.DataError(
          '%s has no images: add images, or remove the folder' % folder
      )
  return classes


def split(directory, test_fraction, seed):
  """Splits the images into training and test images.

  Args:
    directory: str, a directory that contains either a folder per class, or two
      folders, named as in _TRAINS and _TESTS, each with a folder per class.
    test_fraction: float, the fraction of each class to use as test images; at
      least one image of each class is used for testing, and one for training.
      Ignored if there are folders train and test.
    seed: int; equal files and seeds yield equal splits.

  Returns:
    class_names: list of str.
    train, test: lists of (path, label) in random order.

  Raises:
    DataError: see find_classes(); or a class has only one image, or is missing
      from one of the folders train and test.
  """
  folders, _ = _entries(directory)
  trains, tests = [
      [f for f in folders if f.lower().replace('-', '_') in names]
      for names in (_TRAINS, _TESTS)
  ]
  if trains and tests:
    if len(folders) > 2:
      raise errors.DataError(
          '%s contains the folders %s: the directory must contain one folder '
          'for training and one for testing, or a folder per class'
          % (directory, ', '.join(folders))
      )
    train, test = [
        find_classes(os.path.join(directory, f)) for f in trains + tests
    ]
    for name in sorted(set(train) ^ set(test)):
      raise errors.DataError(
          '%s has class %r in only one of %s and %s: both folders must have '
          'the same classes' % (directory, name, *trains, *tests)
      )
  else:
    train, test = _split_classes(find_classes(directory), test_fraction, seed)

  def mixed(classes):
    # Shuffle, because the trainer reads the records in order, and its queue
    # mixes only 0.4 of them at a time.
    examples = [
        (path, label)
        for label, paths in enumerate(classes.values())
        for path in paths
    ]
    order = np.random.RandomState(seed).permutation(len(examples))
    return [examples[i] for i in order]

  return list(train), mixed(train), mixed(test)


def _split_classes(classes, test_fraction, seed):
  """Returns two dicts like find_classes(): for training and for testing."""
  train, test = {}, {}
  for name, paths in classes.items():
    if len(paths) == 1:
      raise errors.DataError(
          '%s is the only image of class %r: each class needs one image for '
          'training and one for testing' % (paths[0], name)
      )
    count = min(max(1, round(len(paths) * test_fraction)), len(paths) - 1)
    order = np.random.RandomState(seed).permutation(len(paths))
    test[name] = [paths[i] for i in order[:count]]
    train[name] = [paths[i] for i in order[count:]]
  return train, test


def make(
    images, out, *, test_fraction=0.2, flip=True, seed=0, white=images_lib.WHITE
):
  """Writes a complete set, or nothing.

  Args:
    images: str, the directory of the images: see split().
    out: str, the directory of the new set, which must not exist.
    test_fraction, seed: see split().
    flip: bool, whether training can flip an image left to right.
    white: int, see images.load_image().

  Returns:
    description.Dataset.

  Raises:
    UsageError: out exists or cannot be written, or test_fraction is invalid.
    DataError: see split(); or images cannot be decoded, and the message lists
      some of them.
  """
  if not 0 < test_fraction < 1:
    raise errors.UsageError(
        'test_fraction is %g: it must be between 0 and 1' % test_fraction
    )
  if os.path.lexists(out):
    raise errors.UsageError(
        '%s already exists: choose another directory with --out' % out
    )
  images_lib.pillow()
  class_names, train, test = split(images, test_fraction, seed)
  dataset = description.Dataset(
      name=os.path.basename(out),
      directory=out,
      train_files=('train.bin',),
      eval_files=('test.bin',),
      class_names=tuple(class_names),
      num_examples_per_epoch_for_train=len(train),
      num_examples_per_epoch_for_eval=len(test),
      flip=flip,
  )
  if not dataset.name.isprintable():
    raise errors.UsageError(
        '%r is not printable: choose another directory with --out' % out
    )
  with command_line.writing(out, '--out'), files.whole_directory(out) as whole:
    _write_records(whole, train, test, white)
    files.write(
        os.path.join(whole, description.FILE_NAME),
        [description.describe(dataset).encode()],
    )
  return dataset


def _write_records(directory, train, test, white):
  """Writes train.bin and test.bin.

  Args:
    directory: str.
    train, test: lists of (path, label).
    white: int, see images.load_image().

  Raises:
    DataError: images cannot be decoded; the message lists some of them.
  """
  bad, dark = [], []
  total = len(train) + len(test)
  with progress.bar(rich.progress.MofNCompleteColumn()) as bar:
    task = bar.add_task('Reading images', total=total)

    def records(examples):
      for path, label in examples:
        try:
          image = images_lib.load_image(path, white, dark)
          yield bytes([label]) + image.transpose(2, 0, 1).tobytes()
        except errors.DataError as e:
          bad.append(str(e))
        bar.advance(task)

    files.write(os.path.join(directory, 'train.bin'), records(train))
    files.write(os.path.join(directory, 'test.bin'), records(test))
  images_lib.tell_dark(dark, white)
  if bad:
    raise errors.DataError(
        '%d of %d images cannot be decoded: %s%s; repair or remove these images'
        % (
            len(bad),
            total,
            '; '.join(sorted(bad)[:_NAMED]),
            '; ...' if len(bad) > _NAMED else '',
        )
    )


def _parser():
  parser = command_line.Parser(
      prog='make_records',
      description=__doc__,
  )
  task = parser.add_mutually_exclusive_group(required=True)
  task.add_argument(
      '--images',
      metavar='DIR',
      help='directory of images, with a folder per class',
  )
  task.add_argument(
      '--check', metavar='DIR', help='directory of the set to check'
  )
  parser.add_argument(
      '--out',
      metavar='DIR',
      help='with --images: directory for the new set, which must not exist',
  )
  parser.add_argument(
      '--test_fraction',
      type=float,
      default=0.2,
      metavar='F',
      help='fraction of each class to use for evaluation. Default: %(default)s',
  )
  parser.add_argument(
      '--seed',
      type=int,
      default=0,
      metavar='N',
      help='seed of the random split. Default: %(default)s',
  )
  parser.add_argument(
      '--noflip',
      action='store_true',
      help='do not mirror images in training, for example images of digits or '
      'letters',
  )
  parser.add_argument(
      '--white',
      type=int,
      default=images_lib.WHITE,
      metavar='N',
      help='value of white in 16-bit images, for example 4095 for a 12-bit '
      'camera. Default: %(default)s',
  )
  parser.add_argument(
      '--dataset',
      metavar='NAME',
      help='with --check: one of ' + ', '.join(sorted(datasets.DATASETS)),
  )
  parser.add_argument(
      '--contact_sheet',
      metavar='FILE.png',
      help='with --check: file for the contact sheet (default: '
      'contact_sheet.png in the directory of the set)',
  )
  return parser


@command_line.program('make_records')
def main(argv):
  parser = _parser()
  args = parser.parse_args(argv)
  if args.check:
    data_dir = command_line.path(args.check)
    check_records.check(
        datasets.get(args.dataset or data_dir),
        data_dir,
        command_line.path(args.contact_sheet)
        or os.path.join(data_dir, 'contact_sheet.png'),
    )
    return 0
  if not args.out:
    parser.error('--images needs --out')
  if not 0 <= args.seed < 1 << 32:
    parser.error('--seed must be from 0 to 4294967295')
  if not 1 <= args.white <= images_lib.WHITE:
    parser.error('--white must be from 1 to %d' % images_lib.WHITE)
  images = command_line.path(args.images)
  out = command_line.path(args.out)
  dataset = make(
      images,
      out,
      test_fraction=args.test_fraction,
      flip=not args.noflip,
      seed=args.seed,
      white=args.white,
  )
  ignored = _count_by_the_way(images)
  if ignored:
    print(
        'Ignored %d entries named Thumbs.db, desktop.ini or __MACOSX.' % ignored
    )
  print(
      text_tables.text(enumerate(dataset.class_names), heads=['label', 'class'])
  )
  print(
      'Wrote %d training and %d test images of %d classes: train with '
      '--dataset=%s'
      % (
          dataset.num_examples_per_epoch_for_train,
          dataset.num_examples_per_epoch_for_eval,
          dataset.num_classes,
          out,
      )
  )
  return 0


if __name__ == '__main__':
  sys.exit(main())
