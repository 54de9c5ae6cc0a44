"""Classifies images with a checkpoint of the CIFAR-10 network.

Arguments are image files of any size and format, directories of image files,
and patterns like 'photos/*.jpg'.  The network sees the largest central square
of each image.  Example:

  cifar10_predict --checkpoint_dir=/tmp/cifar10_train cat.jpg photos

--checkpoint_dir=published selects the trained network bundled with the package;
this network is also the default until you train one yourself.

A file that cannot be decoded is reported and skipped; the exit code is then 1.
"""

from cifar10_compat import startup  # isort: skip
startup.prepare(__name__, 'Predict')  # Run before TensorFlow loads.

from collections.abc import Iterable, Iterator, Sequence
import contextlib
import dataclasses
import glob
import itertools
import json
import os
import sys

import numpy as np
import rich.console
import rich.table
import rich.text
import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10
from cifar10_compat import cifar10_input
from cifar10_compat import config as config_lib
from cifar10_compat import entry_points
from cifar10_compat import models
from cifar10_compat.base import errors
from cifar10_compat.base import output
from cifar10_compat.base import paths as paths_lib
from cifar10_compat.base import signals
from cifar10_compat.data import description
from cifar10_compat.data import images as images_lib
from cifar10_compat.training import checkpoint_list
from cifar10_compat.training import checkpoints


@dataclasses.dataclass(frozen=True)
class Prediction:
  """The result for one file: probabilities, or an error.

  Attributes:
    path: the file's path.
    probabilities: float32 [num_classes], 0 to 1.
    error: why the file could not be decoded.
  """

  path: str
  probabilities: np.ndarray | None = None
  error: str | None = None


def find_images(arguments: Sequence[str]) -> list[str]:
  """Lists the files that the arguments select.

  Args:
    arguments: list of str, files, directories or patterns.  A directory selects
      its visible files with the extension of an image format; a pattern selects
      the matching files and directories.

  Returns:
    list of str, paths.

  Raises:
    UsageError: an argument selects no file, a directory cannot be read, or
      Pillow is missing.
  """
  Image, _ = images_lib.pillow()
  # Include HEIC files, so that they are reported instead of silently ignored.
  endings = (*Image.registered_extensions(), *images_lib.HEIC_ENDINGS)
  paths = []
  for argument in arguments:
    found = []
    for match in ([argument] if os.path.exists(argument) else
                  sorted(glob.glob(argument, recursive=True))):
      if os.path.isdir(match):
        try:
          found += [os.path.join(match, name)
                    for name in sorted(os.listdir(match))
                    if name.lower().endswith(endings) and name[0] != '.']
        except OSError as e:
          raise errors.UsageError(f'cannot read {match} ({e.strerror}): choose '
                                  'another directory') from e
      else:
        found.append(match)
    if not found:
      raise errors.UsageError(f'{argument}: no image file found')
    paths += found
  return paths


def predict(
    paths: Iterable[str],
    config: config_lib.Predict,
    stop: signals.StopRequest = signals.NEVER,
) -> Iterator[Prediction]:
  """Classifies images with the newest checkpoint.

  Args:
    paths: image files.
    config: the checkpoint, and the number of images to load and run at a time.
    stop: request that ends the prediction after the current batch.

  Yields:
    Prediction for each file, in the order of paths.  The caller's default graph
    and session are unchanged.

  Raises:
    errors.UsageError, CheckpointError: the message describes the problem.
  """
  network = models.network(config)
  graph = tf.Graph()
  with contextlib.closing(tf.Session(graph=graph)) as sess:
    with graph.as_default():
      images = tf.placeholder(
          tf.uint8,
          [None, description.HEIGHT, description.WIDTH, description.DEPTH])
      probabilities = cifar10.predictions(
          network.inference(cifar10_input.central_view(images), config))

      checkpoint_list.newest(config.checkpoint_dir).restore(
          tf.train.Saver(checkpoints.trained_variables(config.averaged)), sess,
          config)

    paths = iter(paths)
    dark: list[str] = []
    while not stop.requested:
      batch = list(itertools.islice(paths, config.batch_size))
      if not batch:
        break
      small, made = {}, {}
      for path in batch:
        try:
          small[path] = images_lib.load_image(path, config.white, dark)
        except errors.DataError as e:
          made[path] = Prediction(path, error=str(e))
      if small:
        found = sess.run(probabilities, {images: list(small.values())})
        made |= {path: Prediction(path, p) for path, p in zip(small, found)}
      yield from map(made.get, batch)
    images_lib.tell_dark(dark, config.white)


def best(
    probabilities: np.ndarray, class_names: Sequence[str], top_k: int
) -> list[tuple[str, float]]:
  """Lists the most probable classes, in descending order of probability.

  Args:
    probabilities: float32 array of shape [num_classes].
    class_names: sequence of num_classes str.
    top_k: int, the number of classes to list.

  Returns:
    list of (str, float), names and probabilities.
  """
  order = np.argsort(-probabilities, kind='stable')[:top_k]
  return [(class_names[i], float(probabilities[i])) for i in order]


def _json_line(path: str, classes: list[tuple[str, float]]) -> str:
  return json.dumps({'file': path, 'predictions': [
      {'class': name, 'probability': p} for name, p in classes]})


def _plain_line(path: str, classes: list[tuple[str, float]]) -> str:
  return '\t'.join([output.printable(path)] + [f'{name} {p:.3f}' for name, p in classes])


def _table(
    rows: list[tuple[str, list[tuple[str, float]]]], top_k: int
) -> rich.table.Table:
  """Returns a rich.table.Table of [(path, classes), ...]."""
  table = rich.table.Table('file', *['class', ''] * top_k)
  for path, classes in rows:
    # Use Text objects, so that rich does not read brackets in a name as markup.
    table.add_row(*[rich.text.Text(t) for t in [output.printable(path)] + [
        t for name, p in classes for t in (name, f'{p:.3f}')]])
  return table


def main(config: config_lib.Predict, stop: signals.StopRequest) -> None:
  """Runs the program."""
  tf.disable_v2_behavior()
  if not config.arguments:
    raise errors.UsageError('no image specified: see the example in --help')
  config = checkpoint_list.or_published(config)
  top_k = min(config.top_k, config.num_classes)
  paths_lib.enter_user_directory()
  paths = find_images([os.path.expanduser(a) for a in config.arguments])
  is_table = sys.stdout.isatty() and not config.json
  format_line = _json_line if config.json else _plain_line
  rows = []
  skipped = 0
  for prediction in predict(paths, config, stop):
    if prediction.error:
      skipped += 1
      print('skipped ' + output.printable(prediction.error), file=sys.stderr,
            flush=True)
      continue
    classes = best(prediction.probabilities, config.dataset.class_names, top_k)
    if is_table:
      rows.append((prediction.path, classes))
    else:
      print(format_line(prediction.path, classes), flush=True)
  if rows:
    rich.console.Console().print(_table(rows, top_k))
  if skipped:
    raise errors.DataError(
        f'{skipped} of {len(paths)} files could not be decoded')


def console_main() -> None:
  """Entry point of the installed command cifar10_predict."""
  entry_points.run(config_lib.Predict, main)


if __name__ == '__main__':
  console_main()
