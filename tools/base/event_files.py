"""Reads the event files of training runs."""

import glob
import os
import sys
from typing import NamedTuple

from google.protobuf import message
import tensorflow.compat.v1 as tf

from cifar10_compat.base import errors
from cifar10_compat.base import files
from cifar10_compat.base import output


class Run(NamedTuple):
  """One training run."""

  log: dict  # from step to loss in the log; empty if there is no log
  scalars: dict  # from tag to a list of (step, value)
  tags: frozenset  # all tags, including those of histograms and images


def read(train_dir, flag='--train_dir'):
  """Reads the event files of a run.

  Like TensorBoard, read() drops points that a killed run wrote after the
  checkpoint from which the run was resumed, and a truncated record at the end
  of a file.  A pipe or other special file with the name of an event file is
  skipped and reported on stderr.

  Args:
    train_dir: str, the directory of a trainer or of an evaluator.
    flag: str, the flag that specifies the directory, for error messages.

  Returns: Run, without a log.

  Raises:
    UsageError: there are no event files, or an event file is damaged.
  """
  paths = sorted(
      glob.glob(os.path.join(glob.escape(train_dir), 'events.out.tfevents.*'))
  )
  if not paths:
    raise errors.UsageError(
        'there are no event files in %s: specify a directory with event files '
        'using %s' % (train_dir, flag)
    )
  scalars, tags = {}, set()
  for path in paths:
    try:
      files.check_regular(path)
      for event in tf.train.summary_iterator(path):
        if event.session_log.status == tf.SessionLog.START:
          for points in scalars.values():
            points[:] = [p for p in points if p[0] < event.step]
        for value in event.summary.value:
          tags.add(value.tag)
          if value.HasField('simple_value'):
            scalars.setdefault(value.tag, []).append(
                (event.step, value.simple_value)
            )
    except PermissionError as e:
      raise errors.UsageError(
          'cannot read %s (%s): %s' % (path, e.strerror, files.remedy(e))
      ) from e
    except OSError as e:
      print(
          'skipping %s (%s)' % (output.printable(path), e.strerror),
          file=sys.stderr,
      )
    except message.DecodeError as e:
      raise errors.UsageError(
          '%s is damaged (%s): move it away' % (path, e)
      ) from e
    except tf.errors.OpError as e:
      # The writer was killed, or is still writing the record.
      if 'truncated record' in e.message:
        continue
      raise errors.UsageError(
          '%s is damaged (%s): move it away' % (path, e.message.splitlines()[0])
      ) from e
  return Run({}, scalars, frozenset(tags))
