"""The cases of the fuzzer: each function builds, damages and reads image files.

The arguments are a value drawn by fuzz_strategies.KINDS, and an empty
directory.
"""

import contextlib
import io
import json
import os
import pathlib
import tarfile

from absl import flags as absl_flags
import numpy as np

from cifar10_compat import config as config_lib
from cifar10_compat.base import errors
from cifar10_compat.base import settings
from cifar10_compat.data import datasets
from cifar10_compat.data import description
from cifar10_compat.data import download
from cifar10_compat.data import images
from cifar10_compat.distributed import cluster

from ..images import check_records
from ..images import make_records

RECORDS = 12

PROGRAMS = (
    config_lib.Train,
    config_lib.MultiGpuTrain,
    config_lib.DistributedTrain,
    config_lib.Eval,
    config_lib.Predict,
    config_lib.Export,
)


def damaged(contents, damages):
  """Returns `contents` with the drawn damages."""
  for way, where, size, drawn in damages:
    here = int(where * len(contents))
    there = here + size
    old = contents[here:there]
    new = drawn  # 'replace'
    if way == 'cut':
      there, new = len(contents), b''
    elif way == 'insert':
      there = here
    elif way == 'repeat':
      new = 2 * old
    elif way == 'zero':
      new = bytes(len(old))
    elif way == 'flip':
      there = here + 1
      new = bytes(byte ^ (1 << size % 8) for byte in contents[here:there])
    elif way == 'overwrite':
      new = ((drawn or b'\xff') * len(old))[: len(old)]
    contents = contents[:here] + new + contents[there:]
  return contents


def _write_set(directory, label_bytes, noise):
  """Writes a valid custom set; returns its description.Dataset."""
  dataset = description.Dataset(
      'fuzz',
      directory,
      ('train.bin',),
      ('test.bin',),
      ('a', 'b', 'c'),
      RECORDS,
      RECORDS,
      label_bytes=label_bytes,
      flip=True,
  )
  rng = np.random.default_rng(noise)
  for name in dataset.train_files + dataset.eval_files:
    records = rng.integers(0, 256, (RECORDS, dataset.record_bytes), np.uint8)
    records[:, :label_bytes] %= 3
    pathlib.Path(directory, name).write_bytes(records.tobytes())
  pathlib.Path(directory, description.FILE_NAME).write_text(
      description.describe(dataset), encoding='utf-8'
  )
  return dataset


def _read_set(directory):
  """Reads a custom set."""
  check_records.examine(description.load(directory), directory, False)


def read_records(value, directory):
  """Reads damaged records of a published set and of a valid custom set."""
  known, name, label_bytes, noise, damages = value
  dataset = _write_set(directory, label_bytes, noise)
  path = pathlib.Path(directory, name)
  path.write_bytes(damaged(path.read_bytes(), damages))
  known = datasets.DATASETS[known]._replace(
      directory=directory, train_files=('train.bin',), eval_files=('test.bin',)
  )
  for found in (known, dataset):
    with contextlib.suppress(errors.Cifar10Error):
      check_records.examine(found, directory, name == 'test.bin')
  _read_set(directory)


def _change(values, key, way, index, value):
  """Changes a description, a dict."""
  old = values.get(key)
  if way == 'drop':
    values.pop(key, None)
  elif way == 'append' and isinstance(old, list):
    old.append(value)
  elif way == 'item' and isinstance(old, list) and old:
    old[index % len(old)] = value
  else:
    values[key] = value


def read_description(value, directory):
  """Reads valid records with a damaged description."""
  changes, damages = value
  dataset = _write_set(directory, 1, 0)
  values = json.loads(description.describe(dataset))
  for change in changes:
    _change(values, *change)
  pathlib.Path(directory, description.FILE_NAME).write_bytes(
      damaged(json.dumps(values).encode(), damages)
  )
  _read_set(directory)


def read_archive(value, directory):
  """Unpacks a damaged archive, or an archive with hostile members.

  Raises:
    AssertionError: the package wrote outside the set's directory.
  """
  members, damages = value
  buffer = io.BytesIO()
  with tarfile.open(fileobj=buffer, mode='w:gz', compresslevel=1) as tar:
    for name, kind, link, contents, lie in members:
      info = tarfile.TarInfo(name)
      info.type, info.linkname = kind, link
      info.size = len(contents) + lie
      tar.addfile(info, io.BytesIO(contents + bytes(lie)))
  path = os.path.join(directory, 'set.tar.gz')
  pathlib.Path(path).write_bytes(damaged(buffer.getvalue(), damages))
  try:
    download.extract(os.path.join(directory, 'set'), path)
  finally:
    there = set(os.listdir(directory)) - {'set', 'set.tar.gz'}
    if there:
      raise AssertionError(f'{sorted(there)} remains beside the archive')


def read_images(value, directory):
  """Creates a set from image folders, with some damaged files, and reads it.

  Raises:
    AssertionError: a failure left files behind.
  """
  Image, _ = images.pillow()
  for number, ((mode, kind), size, noise, damages) in enumerate(value):
    folder = os.path.join(directory, 'images', 'ab'[number % 2])
    os.makedirs(folder, exist_ok=True)
    pixels = np.random.default_rng(noise).integers(0, 256, size, np.uint8)
    image = Image.fromarray(pixels).convert('I' if mode == 'I;16' else mode)
    buffer = io.BytesIO()
    image.convert(mode).save(buffer, kind)
    pathlib.Path(folder, f'{number}.img').write_bytes(
        damaged(buffer.getvalue(), damages)
    )
  out = os.path.join(directory, 'out')
  try:
    make_records.make(os.path.join(directory, 'images'), out)
  except errors.Cifar10Error:
    if os.listdir(directory) != ['images']:
      raise AssertionError('the failure left files behind') from None
    raise
  _read_set(out)


def read_flags(value, unused_directory):
  program, arguments = value
  flag_values = absl_flags.FlagValues()
  settings.define_flags(PROGRAMS[program], flag_values)
  names = sorted(settings.fields(PROGRAMS[program]))
  try:
    flag_values(
        ['program']
        + ['--%s=%s' % (names[i % len(names)], text) for i, text in arguments]
    )
    settings.from_flags(PROGRAMS[program], flag_values=flag_values)
  except (
      absl_flags.Error
  ) as e:  # entry_points.read() reports the error in one line.
    raise errors.UsageError(' '.join(str(e).split())) from e


def read_tf_config(value, unused_directory):
  cluster.from_tf_config(value)
