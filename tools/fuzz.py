r"""Damages image sets at random and looks how the programs take it.

  fuzz [--cases=10000 | --seconds=60] [--seed=0]

Each case makes a small image set of one kind (records, an archive, a
description, a folder of images), damages it, and lets the package read it.  It
must be read, or refused with an error that a program tells in one line, within
10 seconds.  Anything else is printed with its case's number, and the exit code
is 1; --first=NUMBER --cases=1 repeats it.  A case depends on its number and the
seed alone.
"""

# First: TensorFlow, which the command line brings along, reads its log levels
# while it loads.
from cifar10_compat import quiet  # pylint: disable=unused-import

import argparse
import collections
import contextlib
import io
import json
import math
import os
import random
import signal
import sys
import tarfile
import tempfile
import time
import traceback

import numpy as np

from cifar10_compat import cifar10_download
from cifar10_compat import datasets
from cifar10_compat import errors
from cifar10_compat import images
from tools import check_records
from tools import command_line
from tools import make_records
from tools import processes

_CASE_SECS = 10
# A case can end the process; so a process of their own has so many of them.
_CASES_PER_PROCESS = 500
_RECORDS = 12


class _Hang(BaseException):
  """Not an Exception: no handler on the way is to take it for its own."""


def _damage(rng, data):
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


def _set_of_records(rng, directory):
  """Writes a set of one's own that is whole; returns its datasets.Dataset."""
  dataset = datasets.Dataset(
      'fuzz', directory, ('train.bin',), ('test.bin',), ('a', 'b', 'c'),
      _RECORDS, _RECORDS, label_bytes=rng.choice((1, 2)), flip=True)
  for name in dataset.train_files + dataset.eval_files:
    records = np.frombuffer(
        rng.randbytes(_RECORDS * dataset.record_bytes), np.uint8).reshape(
            _RECORDS, -1).copy()
    records[:, :dataset.label_bytes] %= 3
    _write(os.path.join(directory, name), records.tobytes())
  _write(os.path.join(directory, datasets.DESCRIPTION),
         datasets.describe(dataset).encode())
  return dataset


def _write(path, contents):
  with open(path, 'wb') as f:
    f.write(contents)


def _read(path):
  with open(path, 'rb') as f:
    return f.read()


def _records(rng, directory):
  """A damaged file of records, under a whole and a published description."""
  dataset = _set_of_records(rng, directory)
  path = os.path.join(directory, rng.choice(('train.bin', 'test.bin')))
  _write(path, _damage(rng, _read(path)))
  known = rng.choice(list(datasets.DATASETS.values()))._replace(
      directory=directory, train_files=('train.bin',), eval_files=('test.bin',))
  for found in (known, dataset):
    with contextlib.suppress(errors.Cifar10Error):
      check_records.examine(found, directory, path.endswith('test.bin'))
  return check_records.examine(datasets.load(directory), directory, False)


def _value(rng, depth=2):
  """Returns any value that JSON knows."""
  kind = rng.randrange(10 if depth else 8)
  if kind == 8:
    return [_value(rng, depth - 1) for _ in range(rng.randrange(4))]
  if kind == 9:
    return {rng.choice(('name', 'version', '')): _value(rng, depth - 1)}
  return rng.choice((
      None, True, 0, -1, 1 << 80, 1.5, float('nan'), '', 'a',
      '../../etc/passwd', '/etc/passwd', '.', 'a\x00b', 'a\nb', '\ud800', 'ﬀ',
      'train.bin', 'x' * 300, _RECORDS, 'image_set.json'))


def _description(rng, directory):
  """A damaged description beside whole records."""
  _set_of_records(rng, directory)
  path = os.path.join(directory, datasets.DESCRIPTION)
  if rng.random() < 0.3:
    _write(path, _damage(rng, _read(path)))
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
    _write(path, json.dumps(values).encode())
  return check_records.examine(datasets.load(directory), directory, False)


def _archive(rng, directory):
  """A damaged archive, or one with hostile members."""
  buffer = io.BytesIO()
  with tarfile.open(fileobj=buffer, mode='w:gz', compresslevel=1) as tar:
    for i in range(rng.randrange(1, 5)):
      info = tarfile.TarInfo('set/%d.bin' % i)
      contents = rng.randbytes(rng.randrange(2000))
      info.size = len(contents)
      if rng.random() < 0.3:
        info.name = rng.choice(('/etc/x', 'set/../../x', 'set/../x', '..', '.',
                                'set', 'set/', 'set//x', 'set/./x', '',
                                'x' * 300, 'set/\udcff', 'set/0.bin',
                                'set/a/b/c'))
      if rng.random() < 0.2:
        info.type = rng.choice((tarfile.SYMTYPE, tarfile.LNKTYPE,
                                tarfile.CHRTYPE, tarfile.FIFOTYPE,
                                tarfile.DIRTYPE, tarfile.CONTTYPE, b'?'))
        info.linkname = rng.choice(('/etc/passwd', 'set/0.bin', '..', ''))
      tar.addfile(info, io.BytesIO(contents))
  path = os.path.join(directory, 'set.tar.gz')
  contents = buffer.getvalue()
  if rng.random() < 0.7:
    contents = _damage(rng, contents)
  _write(path, contents)
  try:
    return cifar10_download.extract(os.path.join(directory, 'set'), path)
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
      kind = {'RGB': ('PNG', 'JPEG', 'GIF', 'BMP', 'WEBP', 'TIFF', 'ICO',
                      'PPM'),
              'L': ('PNG', 'JPEG', 'TIFF', 'PPM'), 'I;16': ('PNG', 'TIFF'),
              'P': ('PNG', 'GIF', 'BMP')}.get(mode, ('PNG', 'TIFF'))
      size = rng.randrange(1, 70), rng.randrange(1, 70)
      buffer = io.BytesIO()
      Image.effect_noise(size, 80).convert(mode if mode != 'I;16' else 'I'
                                           ).convert(mode).save(
                                               buffer, rng.choice(kind))
      contents = buffer.getvalue()
      if rng.random() < 0.5:
        contents = _damage(rng, contents)
      _write(os.path.join(folder, '%d.img' % i), contents)
  out = os.path.join(directory, 'out')
  try:
    make_records.make(os.path.join(directory, 'images'), out)
  except errors.Cifar10Error:
    if os.listdir(directory) != ['images']:
      raise AssertionError('something is left of what failed') from None
    raise
  return check_records.examine(datasets.load(out), out, False)


_KINDS = {'records': _records, 'descriptions': _description,
          'archives': _archive, 'images': _images}


def run_case(seed, number):
  """Runs one case.

  Args:
    seed, number: int.

  Returns:
    kind: str, of _KINDS.
    result: str, 'read', 'refused', or 'failed'.
    report: str, of a failure, else ''.
  """
  rng = random.Random('%d/%d' % (seed, number))
  kind = list(_KINDS)[number % len(_KINDS)]

  def hang(unused_signum, unused_frame):
    raise _Hang()

  previous = signal.signal(signal.SIGALRM, hang)
  with tempfile.TemporaryDirectory() as directory:
    signal.setitimer(signal.ITIMER_REAL, _CASE_SECS)
    try:
      _KINDS[kind](rng, directory)
      return kind, 'read', ''
    except errors.Cifar10Error as e:
      if '\n' in str(e):
        return kind, 'failed', 'more than one line: %s' % e
      return kind, 'refused', ''
    except (Exception, _Hang):  # pylint: disable=broad-except
      return kind, 'failed', traceback.format_exc()
    finally:
      signal.setitimer(signal.ITIMER_REAL, 0)
      signal.signal(signal.SIGALRM, previous)


def main(argv):
  """Returns the exit code for a command line without the program's name."""
  return command_line.run('fuzz', lambda: _main(argv))


def _main(argv):
  parser = command_line.Parser(
      prog='fuzz', allow_abbrev=False, description=__doc__,
      formatter_class=argparse.RawDescriptionHelpFormatter)
  parser.add_argument('--cases', type=int, metavar='N', help='so many cases')
  parser.add_argument('--seconds', type=float, metavar='S',
                      help='as many cases as fit (default 60 without --cases)')
  parser.add_argument('--seed', type=int, default=0, metavar='N',
                      help='others than those of (default %(default)s)')
  parser.add_argument('--first', type=int, metavar='N',
                      help="the first case's number, all in this process")
  args = parser.parse_args(argv)
  if args.cases is not None and args.cases < 1:
    raise errors.UsageError('--cases=%d: at least one' % args.cases)
  if args.seconds is None:
    args.seconds = math.inf if args.cases else 60
  if args.first is not None:
    return _run_cases(args.seed, range(args.first,
                                       args.first + (args.cases or 1)),
                      args.seconds)

  end = time.monotonic() + args.seconds
  counts = collections.Counter()
  number = 0
  while time.monotonic() < end and number < (args.cases or math.inf):
    cases = min(_CASES_PER_PROCESS, (args.cases or math.inf) - number)
    found = _in_a_process(args.seed, number, cases, end - time.monotonic())
    counts += found
    number += sum(found.values())
  print('%-14s%8s%8s%8s%8s' % ('kind', 'cases', 'read', 'refused', 'failed'))
  for kind in list(_KINDS) + ['crash']:
    found = {r: counts[kind, r] for r in ('read', 'refused', 'failed')}
    if sum(found.values()):
      print('%-14s%8d%8d%8d%8d' % (kind, sum(found.values()), *found.values()))
  failed = sum(n for (_, result), n in counts.items() if result == 'failed')
  print('%d cases of seed %d, %d failed' % (number, args.seed, failed))
  return 1 if failed else 0


def _run_cases(seed, numbers, seconds):
  """Runs cases and prints each one's kind and result; returns the exit code."""
  failed = False
  end = time.monotonic() + seconds
  for number in numbers:
    if time.monotonic() > end:
      break
    kind, result, report = run_case(seed, number)
    print('case %d %s %s' % (number, kind, result), flush=True)
    if report:
      failed = True
      print(report, file=sys.stderr, flush=True)
  print('end')
  return 1 if failed else 0


def _in_a_process(seed, first, cases, seconds):
  """Runs cases in a process of their own; returns a Counter of the results."""
  result = processes.finish('tools.fuzz', [
      '--seed=%d' % seed, '--first=%d' % first, '--cases=%d' % cases,
      '--seconds=%f' % seconds])
  counts = collections.Counter()
  *lines, last = result.stdout.splitlines() or ['']
  if last != 'end':
    lines.append(last)
  for _, number, kind, outcome in (l.split() for l in lines if l):
    counts[kind, outcome] += 1
    if outcome == 'failed':
      print('case %s of %s failed: repeat it with --seed=%d --first=%s' %
            (number, kind, seed, number), flush=True)
  if last != 'end':
    print('case %d ended its process with exit code %d' %
          (first + sum(counts.values()), result.returncode), flush=True)
    counts['crash', 'failed'] += 1
  if result.returncode:
    sys.stderr.write(result.stderr)
  return counts


if __name__ == '__main__':
  sys.exit(main(sys.argv[1:]))
