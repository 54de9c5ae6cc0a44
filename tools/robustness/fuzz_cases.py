"""Small image sets, damaged at random, and read: the cases of fuzz.py."""

import contextlib
import io
import json
import os
import tarfile

import numpy as np

from cifar10_compat.base import errors
from cifar10_compat.data import datasets
from cifar10_compat.data import description
from cifar10_compat.data import download
from cifar10_compat.data import images

from ..images import check_records
from ..images import make_records

_RECORDS = 12

# What a damaged description may hold.
_VALUES = (
    *(None, True, 0, -1, 1 << 80, 1.5, float('nan'), _RECORDS),
    *('', 'a', '.', '../../etc/passwd', '/etc/passwd', 'a\x00b', 'a\nb'),
    *('\ud800', 'ﬀ', 'x' * 300, 'train.bin', 'image_set.json'),
)

# What a hostile archive may hold beside set/0.bin and the like.
_MEMBER_NAMES = (
    *('/etc/x', 'set/../../x', 'set/../x', '..', '.', 'set', 'set/', 'set//x'),
    *('set/./x', '', 'x' * 300, 'set/\udcff', 'set/0.bin', 'set/a/b/c'),
)
_MEMBER_TYPES = (
    *(tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE),
    *(tarfile.DIRTYPE, tarfile.CONTTYPE, b'?'),
)


def damage(rng, data):
  """Returns bytes that differ from `data` as files do that were damaged.

  Args:
    rng: random.Random.
    data: bytes.
  """
  data = bytearray(data)
  for _ in range(rng.choice((1, 1, 1, 2, 8))):
    here = rng.randrange(len(data) + 1)
    there = min(len(data), here + rng.choice((1, 2, 4, 64, 3073)))
    kind = rng.randrange(8)
    if kind == 0 and here < len(data):
      data[here] ^= 1 << rng.randrange(8)
    elif kind == 1 and here < len(data):
      data[here] = rng.choice((0, 1, 127, 128, 255))
    elif kind == 2:
      del data[here:]
    elif kind == 3:
      del data[here:there]
    elif kind == 4:
      data[here:here] = data[here:there]
    elif kind == 5:
      data[here:there] = bytes(there - here)
    elif kind == 6:
      data[here:here] = rng.randbytes(there - here)
    elif kind == 7:
      data[here:there] = rng.randbytes(there - here)
  return bytes(data)


def write_set(rng, directory):
  """Writes a set of one's own that is whole; returns its description.Dataset."""
  dataset = description.Dataset(
      'fuzz',
      directory,
      ('train.bin',),
      ('test.bin',),
      ('a', 'b', 'c'),
      _RECORDS,
      _RECORDS,
      label_bytes=rng.choice((1, 2)),
      flip=True,
  )
  for name in dataset.train_files + dataset.eval_files:
    records = (
        np.frombuffer(rng.randbytes(_RECORDS * dataset.record_bytes), np.uint8)
        .reshape(_RECORDS, -1)
        .copy()
    )
    records[:, : dataset.label_bytes] %= 3
    write(os.path.join(directory, name), records.tobytes())
  write(
      os.path.join(directory, description.FILE_NAME),
      description.describe(dataset).encode(),
  )
  return dataset


def write(path, contents):
  """Writes bytes into a file."""
  with open(path, 'wb') as f:
    f.write(contents)


def _read(path):
  with open(path, 'rb') as f:
    return f.read()


def _records(rng, directory):
  """A damaged file of records, under a whole and a published description."""
  dataset = write_set(rng, directory)
  path = os.path.join(directory, rng.choice(('train.bin', 'test.bin')))
  write(path, damage(rng, _read(path)))
  known = rng.choice(list(datasets.DATASETS.values()))
  return read_records(known, dataset, path)


def read_records(known, dataset, path):
  """Reads a set of records as a published set's and under its description.

  Args:
    known: description.Dataset, one of those that are published.
    dataset: description.Dataset, of write_set().
    path: str, the file of it that is damaged.
  """
  directory = dataset.directory
  known = known._replace(
      directory=directory, train_files=('train.bin',), eval_files=('test.bin',)
  )
  for found in (known, dataset):
    with contextlib.suppress(errors.Cifar10Error):
      check_records.examine(found, directory, path.endswith('test.bin'))
  return read_set(directory)


def read_set(directory):
  """Reads a set of one's own."""
  return check_records.examine(description.load(directory), directory, False)


def _value(rng, depth=2):
  """Returns any value that JSON knows."""
  kind = rng.randrange(10 if depth else 8)
  if kind == 8:
    return [_value(rng, depth - 1) for _ in range(rng.randrange(4))]
  if kind == 9:
    return {rng.choice(('name', 'version', '')): _value(rng, depth - 1)}
  return rng.choice(_VALUES)


def _description(rng, directory):
  """A damaged description beside whole records."""
  write_set(rng, directory)
  path = os.path.join(directory, description.FILE_NAME)
  if rng.random() < 0.3:
    write(path, damage(rng, _read(path)))
  else:
    values = json.loads(_read(path))
    for _ in range(rng.choice((1, 1, 2))):
      key = rng.choice(sorted(values) + ['more'])
      change = rng.randrange(4)
      if change == 0:
        values.pop(key, None)
      elif change == 1 and isinstance(values.get(key), list) and values[key]:
        values[key][rng.randrange(len(values[key]))] = _value(rng)
      elif change == 2 and isinstance(values.get(key), list):
        values[key].append(_value(rng))
      else:
        values[key] = _value(rng)
    write(path, json.dumps(values).encode())
  return read_set(directory)


def _archive(rng, directory):
  """A damaged archive, or one with hostile members."""
  buffer = io.BytesIO()
  with tarfile.open(fileobj=buffer, mode='w:gz', compresslevel=1) as tar:
    for i in range(rng.randrange(1, 5)):
      info = tarfile.TarInfo('set/%d.bin' % i)
      contents = rng.randbytes(rng.randrange(2000))
      info.size = len(contents)
      if rng.random() < 0.3:
        info.name = rng.choice(_MEMBER_NAMES)
      if rng.random() < 0.2:
        info.type = rng.choice(_MEMBER_TYPES)
        info.linkname = rng.choice(('/etc/passwd', 'set/0.bin', '..', ''))
      tar.addfile(info, io.BytesIO(contents))
  contents = buffer.getvalue()
  if rng.random() < 0.7:
    contents = damage(rng, contents)
  return read_archive(contents, directory)


def read_archive(contents, directory):
  """Unpacks an archive, bytes; raises AssertionError if it writes elsewhere."""
  path = os.path.join(directory, 'set.tar.gz')
  write(path, contents)
  try:
    return download.extract(os.path.join(directory, 'set'), path)
  finally:
    there = set(os.listdir(directory)) - {'set', 'set.tar.gz'}
    if there:
      raise AssertionError('%s is left beside the archive' % sorted(there))


def _images(rng, directory):
  """Folders of images of which some are damaged."""
  Image, _ = images.pillow()
  for name in ('cat', 'dog'):
    folder = os.path.join(directory, 'images', name)
    os.makedirs(folder)
    for i in range(2):
      mode = rng.choice(('RGB', 'RGBA', 'L', 'LA', 'P', '1', 'I;16'))
      kind = {
          'RGB': ('PNG', 'JPEG', 'GIF', 'BMP', 'WEBP', 'TIFF', 'ICO', 'PPM'),
          'L': ('PNG', 'JPEG', 'TIFF', 'PPM'),
          'I;16': ('PNG', 'TIFF'),
          'P': ('PNG', 'GIF', 'BMP'),
      }.get(mode, ('PNG', 'TIFF'))
      size = rng.randrange(1, 70), rng.randrange(1, 70)
      buffer = io.BytesIO()
      Image.effect_noise(size, 80).convert(
          mode if mode != 'I;16' else 'I'
      ).convert(mode).save(buffer, rng.choice(kind))
      contents = buffer.getvalue()
      if rng.random() < 0.5:
        contents = damage(rng, contents)
      write(os.path.join(folder, '%d.img' % i), contents)
  return read_images(directory)


def read_images(directory):
  """Makes a set of the folders in DIRECTORY/images and reads that."""
  out = os.path.join(directory, 'out')
  try:
    make_records.make(os.path.join(directory, 'images'), out)
  except errors.Cifar10Error:
    if os.listdir(directory) != ['images']:
      raise AssertionError('something is left of what failed') from None
    raise
  return read_set(out)


KINDS = {
    'records': _records,
    'descriptions': _description,
    'archives': _archive,
    'images': _images,
}
