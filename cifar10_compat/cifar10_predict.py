"""Says what is in pictures, with a checkpoint of the CIFAR-10 network.

Arguments are image files of any size and format, directories of such files, and
patterns like 'photos/*.jpg'.  The largest square in a picture's middle is what
the network is shown.  Example:

  cifar10_predict --checkpoint_dir=/tmp/cifar10_train cat.jpg photos

--checkpoint_dir=published is a trained network that comes with the package; it
is also taken if no directory is named and nothing has been trained.

A file that cannot be decoded is named and skipped; the exit code is then 1.
"""

# First: TensorFlow reads the environment that they set while it loads.
from cifar10_compat.base import early_signals  # noqa: F401  # isort: skip
from cifar10_compat.base import garbage  # noqa: F401  # isort: skip
from cifar10_compat.base import onednn  # noqa: F401  # isort: skip
from cifar10_compat.base import quiet  # noqa: F401  # isort: skip

import contextlib
import glob
import itertools
import json
import os
import sys
from typing import NamedTuple, Optional

from absl import flags
import numpy as np
import rich.console
import rich.table
import rich.text
import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10
from cifar10_compat import cifar10_input
from cifar10_compat import entry_points
from cifar10_compat import flags as shared_flags
from cifar10_compat import models
from cifar10_compat.base import errors
from cifar10_compat.base import signals
from cifar10_compat.data import datasets
from cifar10_compat.data import description
from cifar10_compat.data import images as images_lib
from cifar10_compat.training import checkpoints


class Prediction(NamedTuple):
  """What became of one file: probabilities, or an error."""
  path: str
  probabilities: Optional[np.ndarray] = None  # float32 [num_classes], 0 to 1
  error: Optional[str] = None  # why it could not be decoded


def find_images(arguments):
  """Finds the files that arguments stand for.

  Args:
    arguments: list of str: files; directories, for the files in them whose
      names end as an image's does, hidden ones not; patterns for files and
      directories.

  Returns:
    list of str, paths.

  Raises:
    UsageError: an argument stands for no file, a directory cannot be read, or
      Pillow is missing.
  """
  Image, _ = images_lib.pillow()
  endings = tuple(Image.registered_extensions())
  paths = []
  for argument in arguments:
    found = []
    for match in ([argument] if os.path.exists(argument) else
                  sorted(glob.glob(argument, recursive=True))):
      if not os.path.isdir(match):
        found.append(match)
        continue
      try:
        names = sorted(os.listdir(match))
      except OSError as e:
        raise errors.UsageError('cannot read %s (%s): name another directory' %
                                (match, e.strerror)) from e
      found += [os.path.join(match, name) for name in names
                if name.lower().endswith(endings) and name[0] != '.']
    if not found:
      raise errors.UsageError('%s: no image file is there' % argument)
    paths += found
  return paths


def predict(paths, checkpoint_dir, *, dataset=datasets.CIFAR10,
            model=models.CIFAR10, averaged=True, batch_size=cifar10.BATCH_SIZE,
            stop=None):
  """Runs images through the newest checkpoint's network.

  Args:
    paths: list of str, image files.
    checkpoint_dir: str.
    dataset: description.Dataset that it was trained on.
    model: models.Model that was trained.
    averaged: bool, take the variables' moving averages, not themselves.
    batch_size: int, at least 1, images that are held and run at a time.
    stop: signals.StopRequest, ends it after a batch.

  Yields:
    Prediction for each file, in the order of paths.  The caller's default
    graph and session stay what they are.

  Raises:
    errors.UsageError, CheckpointError: see their texts.
  """
  errors.check_at_least_one(batch_size=batch_size)
  stop = stop or signals.StopRequest()
  graph = tf.Graph()
  with contextlib.closing(tf.Session(graph=graph)) as sess:
    with graph.as_default():
      images = tf.placeholder(
          tf.uint8,
          [None, description.HEIGHT, description.WIDTH, description.DEPTH])
      probabilities = cifar10.predictions(model.inference(
          cifar10_input.central_view(images),
          num_classes=dataset.num_classes))

      checkpoints.restore_newest(
          sess, checkpoint_dir, dataset=dataset, model=model,
          variables=models.trained_variables(averaged), averaged=averaged)

    paths = iter(paths)
    while not stop.requested:
      batch = list(itertools.islice(paths, batch_size))
      if not batch:
        return
      small, failed = {}, {}
      for path in batch:
        try:
          small[path] = images_lib.load_image(path)
        except errors.DataError as e:
          failed[path] = str(e)
      found = {}
      if small:
        found = dict(zip(small, sess.run(
            probabilities, {images: list(small.values())})))
      for path in batch:
        yield Prediction(path, found.get(path), failed.get(path))


def best(probabilities, class_names, top_k):
  """Lists the most probable classes, the best one first.

  Args:
    probabilities: float32 array of shape [num_classes].
    class_names: sequence of str, num_classes of them.
    top_k: int, how many to list.

  Returns:
    list of (str, float), names and probabilities.
  """
  order = np.argsort(-probabilities, kind='stable')[:top_k]
  return [(class_names[i], float(probabilities[i])) for i in order]


def _json_line(path, classes):
  return json.dumps({'file': path, 'predictions': [
      {'class': name, 'probability': p} for name, p in classes]})


def _plain_line(path, classes):
  return '\t'.join([path] + ['%s %.3f' % c for c in classes])


def _table(rows, top_k):
  """Returns a rich.table.Table of [(path, classes), ...]."""
  table = rich.table.Table('file', *['class', ''] * top_k)
  for path, classes in rows:
    # Text, so that brackets in a name are no markup.
    table.add_row(*[rich.text.Text(t) for t in [path] + [
        t for name, p in classes for t in (name, '%.3f' % p)]])
  return table


# What --help shows first.
_FIRST_FLAGS = ('checkpoint_dir', 'dataset', 'model', 'top_k', 'json')


def define_flags():
  """Defines the flags."""
  shared_flags.define_checkpoint_flags()
  shared_flags.define_model_flags()
  shared_flags.define_fast_flags(with_input=False)
  shared_flags.define_dataset_flag()
  flags.DEFINE_integer('top_k', 3, 'Classes to tell of each image.',
                       lower_bound=1)
  flags.DEFINE_boolean('json', False,
                       'Print a JSON object for each image, one a line.')
  flags.DEFINE_integer('batch_size', cifar10.BATCH_SIZE,
                       'Images that are held and run at a time.', lower_bound=1)


def main(stop, arguments):
  """Runs the program.

  Args:
    stop: signals.StopRequest.
    arguments: list of str, see find_images().
  """
  FLAGS = flags.FLAGS
  tf.disable_v2_behavior()
  if not arguments:
    raise errors.UsageError('no image is named; --help has an example')
  dataset = shared_flags.get_dataset(FLAGS.dataset)
  top_k = min(FLAGS.top_k, dataset.num_classes)
  shared_flags.enter_user_directory()
  paths = find_images([os.path.expanduser(a) for a in arguments])
  # The name of a file need not be text: its bytes are printed as they are.
  sys.stdout.reconfigure(errors='surrogateescape')
  is_table = sys.stdout.isatty() and not FLAGS.json
  format_line = _json_line if FLAGS.json else _plain_line
  rows = []
  skipped = 0
  for prediction in predict(
      paths, shared_flags.get_checkpoint_dir(FLAGS, or_published=True),
      dataset=dataset,
      model=shared_flags.get_model(FLAGS), averaged=FLAGS.averaged,
      batch_size=FLAGS.batch_size, stop=stop):
    if prediction.error:
      skipped += 1
      print('skipped ' + prediction.error, file=sys.stderr, flush=True)
      continue
    classes = best(prediction.probabilities, dataset.class_names, top_k)
    if is_table:
      rows.append((prediction.path, classes))
    else:
      print(format_line(prediction.path, classes), flush=True)
  if rows:
    rich.console.Console().print(_table(rows, top_k))
  if skipped:
    raise errors.DataError('%d of %d files could not be decoded' %
                           (skipped, len(paths)))


def console_main():
  """What the installed command cifar10_predict runs."""
  entry_points.run(define_flags, main, first_flags=_FIRST_FLAGS,
                   takes_arguments=True)


if __name__ == '__main__':
  console_main()
