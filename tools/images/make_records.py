r"""Makes an image set of your own images, and checks image sets.

  make_records --images=DIR --out=DIR [--test_fraction=0.2] [--noflip]

DIR of --images has a folder per class, named after the class, with images of any
size in any format that Pillow reads; or it has two folders, train and test, with
the folders of the classes in each.  The programs read the new set with
--dataset=DIR, the directory of --out.

  make_records --check DIR [--dataset=NAME] [--contact_sheet=FILE.png]

DIR is such a directory, or with --dataset the --data_dir of that set.  Prints
the number of images of each class, sizes, labels, the mean and the standard
deviation of each color and the images that are all zero, and draws a sheet with
samples of each class.
"""

# First: TensorFlow, which the command line brings along, reads its log levels
# while it loads.
from cifar10_compat.base import quiet  # noqa: F401  # isort: skip

import os
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
from . import check_records

_TRAIN = 'train'
_TEST = 'test'

# How many of the images that do not decode are named.
_NAMED = 5


def _folders(directory):
  """Returns the sorted names of the folders in a directory, hidden ones not."""
  try:
    return sorted(
        e.name
        for e in os.scandir(directory)
        if e.is_dir() and not e.name.startswith('.')
    )
  except OSError as e:
    raise errors.UsageError(
        'cannot read %s (%s): --images must name a '
        'directory' % (directory, e.strerror)
    ) from e


def find_classes(directory):
  """Lists the images of each class.

  Args:
    directory: str, has a folder per class.

  Returns:
    {str: list of str}, by class the paths of its files, both sorted; hidden
    files are left out.

  Raises:
    DataError: there are too few or too many classes, one has no images or has
      a folder in it, or two have names that are too much alike.
  """
  names = _folders(directory)
  try:
    description.check_class_names(names)
  except ValueError as e:
    raise errors.DataError(
        'the class folders in %s: %s' % (directory, e)
    ) from e
  classes = {}
  for name in names:
    folder = os.path.join(directory, name)
    inner = _folders(folder)
    if inner:
      raise errors.DataError(
          '%s has a folder %r in it: a class folder has '
          'images only' % (folder, inner[0])
      )
    classes[name] = sorted(
        e.path for e in os.scandir(folder) if not e.name.startswith('.')
    )
    if not classes[name]:
      raise errors.DataError('%s has no images: fill or remove it' % folder)
  return classes


def split(directory, test_fraction, seed):
  """Decides which images train and which test.

  Args:
    directory: str, has a folder per class, or the folders train and test with
      one per class each.
    test_fraction: float, how much of each class tests; at least one image does
      and one does not.  Unused with folders train and test.
    seed: int; the same files and seed give the same split.

  Returns:
    class_names: list of str.
    train, test: lists of (path, label) in random order.

  Raises:
    DataError: see find_classes(); or a class has a single image, or is missing
      in one of the folders train and test.
  """
  folders = _folders(directory)
  if {_TRAIN, _TEST} <= set(folders):
    if len(folders) > 2:
      raise errors.DataError(
          '%s has folders train and test beside %s: it must have these two, or '
          'a folder per class'
          % (
              directory,
              ', '.join(f for f in folders if f not in (_TRAIN, _TEST)),
          )
      )
    train, test = [
        find_classes(os.path.join(directory, f)) for f in (_TRAIN, _TEST)
    ]
    for name in sorted(set(train) ^ set(test)):
      raise errors.DataError(
          '%s has class %r in one of train and test only: '
          'both must have the same' % (directory, name)
      )
  else:
    train, test = _split_classes(find_classes(directory), test_fraction, seed)

  def mixed(classes):
    # The trainer reads in the files' order, and shuffles 0.4 of it at a time.
    examples = [
        (path, label)
        for label, paths in enumerate(classes.values())
        for path in paths
    ]
    order = np.random.RandomState(seed).permutation(len(examples))
    return [examples[i] for i in order]

  return list(train), mixed(train), mixed(test)


def _split_classes(classes, test_fraction, seed):
  """Returns two dicts like find_classes(), of what trains and what tests."""
  train, test = {}, {}
  for name, paths in classes.items():
    if len(paths) == 1:
      raise errors.DataError(
          '%s is the only image of class %r: at least one must train and one '
          'test' % (paths[0], name)
      )
    count = min(max(1, round(len(paths) * test_fraction)), len(paths) - 1)
    order = np.random.RandomState(seed).permutation(len(paths))
    test[name] = [paths[i] for i in order[:count]]
    train[name] = [paths[i] for i in order[count:]]
  return train, test


def make(images, out, *, test_fraction=0.2, flip=True, seed=0):
  """Writes a set, all of it or nothing.

  Args:
    images: str, the directory that split() takes.
    out: str, the set's directory, which must not exist.
    test_fraction, seed: see split().
    flip: bool, whether training may flip an image left to right.

  Returns:
    description.Dataset.

  Raises:
    UsageError: out exists or cannot be written, or test_fraction is none.
    DataError: see split(); or images do not decode, the first are named.
  """
  if not 0 < test_fraction < 1:
    raise errors.UsageError(
        'test_fraction is %g: it must be between 0 and 1' % test_fraction
    )
  if os.path.lexists(out):
    raise errors.UsageError(
        '%s exists already: choose another --out, or remove it' % out
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
    raise errors.UsageError('%r is not printable: choose another --out' % out)
  with command_line.writing(out, '--out'), files.whole_directory(out) as whole:
    _write_records(whole, train, test)
    files.write(
        os.path.join(whole, description.FILE_NAME),
        [description.describe(dataset).encode()],
    )
  return dataset


def _write_records(directory, train, test):
  """Writes train.bin and test.bin.

  Args:
    directory: str.
    train, test: lists of (path, label).

  Raises:
    DataError: images do not decode, the first are named.
  """
  bad = []
  total = len(train) + len(test)
  with progress.bar(rich.progress.MofNCompleteColumn()) as bar:
    task = bar.add_task('Reading images', total=total)

    def records(examples):
      for path, label in examples:
        try:
          image = images_lib.load_image(path)
          yield bytes([label]) + image.transpose(2, 0, 1).tobytes()
        except errors.DataError as e:
          bad.append(str(e))
        bar.advance(task)

    files.write(os.path.join(directory, 'train.bin'), records(train))
    files.write(os.path.join(directory, 'test.bin'), records(test))
  if bad:
    raise errors.DataError(
        '%d of %d images do not decode: %s%s; repair or remove them'
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
      help='with --images: directory of the new set; must not exist',
  )
  parser.add_argument(
      '--test_fraction',
      type=float,
      default=0.2,
      metavar='F',
      help='fraction of each class for evaluation. Default: %(default)s',
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
      help='never mirror images in training, for digits or letters',
  )
  parser.add_argument(
      '--dataset',
      metavar='NAME',
      help='with --check: one of ' + ', '.join(sorted(datasets.DATASETS)),
  )
  parser.add_argument(
      '--contact_sheet',
      metavar='FILE.png',
      help='with --check (default contact_sheet.png in the '
      'directory checked)',
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
    parser.error('--seed must be 0 to 4294967295')
  out = command_line.path(args.out)
  dataset = make(
      command_line.path(args.images),
      out,
      test_fraction=args.test_fraction,
      flip=not args.noflip,
      seed=args.seed,
  )
  print(
      'Wrote %d images to train and %d to test, of %d classes: train with '
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
