"""Creates the package's published network from a run of //tools:reproduce.

  publish --run=DIR --record=FILE --data_dir=DIR

--run is the directory of a run, EXPERIMENT_SEED/; --record is the results file
of the run.  The program evaluates the averaged weights of the run's last
checkpoint on the test images, and writes cifar10_compat/published/, with a
model card.  The program also writes the logits of some images to
tests/published/golden.json, for a test.
"""

# Import first: the command line imports TensorFlow, which reads its log levels
# at load time.
from cifar10_compat.base import quiet  # noqa: F401  # isort: skip

import glob
import os
import sys
import tempfile

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_compat import config as config_lib
from cifar10_compat import published
from cifar10_compat.base import errors
from cifar10_compat.base import files
from cifar10_compat.data import datasets
from cifar10_compat.data import images as images_lib
from cifar10_compat.data import synthetic
from cifar10_compat.training import checkpoints
from cifar10_compat.training import notes

from ..base import command_line
from ..base import json_files
from ..base import manifest
from ..run import predictions

_AVERAGE = '/ExponentialMovingAverage'
# Maximum difference in precision: rounding may change the predicted class of
# five images in 10,000.
_ROUNDING = 5e-4
CHELSEA = os.path.join(manifest.ROOT, 'docs', 'chelsea.jpg')
GOLDEN = os.path.join(manifest.ROOT, 'tests', 'published', 'golden.json')
# Number and seed of the synthetic images, which are equal on every machine.
_DRAWN, _SEED = 100, 20160216


def averaged_weights(path):
  """Returns the moving averages of a checkpoint's weights, a dict by key.

  Args:
    path: str, the path of a trainer's checkpoint.

  Raises:
    UsageError: the checkpoint has no moving averages.
  """
  reader = tf.train.load_checkpoint(path)
  values = {
      key: reader.get_tensor(key)
      for key in reader.get_variable_to_shape_map()
      if key.endswith(_AVERAGE)
  }
  if not values:
    raise errors.UsageError(
        '%s has no moving averages: specify a run of //tools:reproduce' % path
    )
  return values


def write_checkpoint(values, step, directory):
  """Writes a directory with one checkpoint, like a train_dir.

  Args:
    values: dict from key to array.
    step: int, the checkpoint's step.
    directory: str, from which existing checkpoints are removed.
  """
  pattern = os.path.join(glob.escape(directory), checkpoints.BASENAME + '-*')
  for file in glob.glob(pattern):
    os.remove(file)
  with tf.Graph().as_default(), tf.Session() as session:
    variables = {
        key: tf.Variable(values[key], name=key[: -len(_AVERAGE)])
        for key in sorted(values)
    }
    session.run(tf.global_variables_initializer())
    tf.train.Saver(variables).save(
        session,
        os.path.join(directory, checkpoints.BASENAME),
        global_step=step,
        write_meta_graph=False,
    )
  # TensorFlow's own `checkpoint` file also contains the time, which is not
  # reproducible.
  name = '%s-%d' % (checkpoints.BASENAME, step)
  files.write(
      os.path.join(directory, 'checkpoint'),
      [('model_checkpoint_path: "%s"\n' % name).encode()],
  )
  notes.write(directory, config_lib.Checkpoint())


def logits(images, directory=published.DIRECTORY):
  """Runs images through the literal network, like predictions.logits()."""
  return predictions.logits(
      images, config_lib.Checkpoint(checkpoint_dir=directory)
  )


def golden_images():
  """Returns the images of GOLDEN, uint8 [101, 32, 32, 3], a cat first."""
  rng = np.random.RandomState(_SEED)
  drawn = [
      synthetic.draw_class(label, _DRAWN // 10, rng).transpose(0, 2, 3, 1)
      for label in range(10)
  ]
  return np.concatenate([images_lib.load_image(CHELSEA)[None], *drawn])


def confusion(data_dir, directory=published.DIRECTORY):
  """Counts the network's predictions for the test images.

  Args:
    data_dir: str, the parent directory of cifar-10-batches-bin.
    directory: str, the directory of a checkpoint with averages.

  Returns:
    int array of shape [10, 10], by label and by prediction.

  Raises:
    DataError: see checks.check().
  """
  images, labels = predictions.test_images(datasets.CIFAR10, data_dir)
  return predictions.confusion(logits(images, directory), labels)


def card(record, counts, size):
  """Returns the model card, in Markdown.

  Args:
    record: dict, the content of a file in docs/data/runs/.
    counts: see confusion().
    size: int, size of the checkpoint in bytes.
  """
  origin = record['manifest']
  step = record['precision'][-1]['step']
  names = datasets.CIFAR10.class_names
  by_class = ''
  for i, name in enumerate(names):
    others = counts[i].copy()
    others[i] = 0
    j = int(others.argmax())
    by_class += '| %s | %.3f | %.3f | %s, %d of %d |\n' % (
        name,
        counts[i, i] / counts[i].sum(),
        counts[i, i] / max(1, counts[:, i].sum()),
        names[j],
        others[j],
        counts[i].sum(),
    )
  return _TEXT % {
      'step': '{:,}'.format(step),
      'precision': '%.4f' % (np.trace(counts) / counts.sum()),
      'images': record['images'],
      'command': record['command'],
      'by_class': by_class,
      'size': '%.1f' % (size / 1e6),
      'commit': origin['commit'],
      'processor': origin['processor']['name'],
      'tensorflow': origin['versions']['tensorflow'],
      'python': origin['versions']['python'],
      'lock': origin['requirements_lock_sha256'],
  }


_TEXT = """\
# The published network

The network of TensorFlow's CIFAR-10 tutorial, trained for %(step)s steps. Every program
that reads a checkpoint can use it:

    cifar10_predict --checkpoint_dir=published cat.jpg

| | |
|---|---|
| what it is | the moving averages of the 1,068,298 weights of [cifar10.py](../cifar10.py)'s network, %(size)s MB, without the state needed to resume training |
| precision | %(precision)s of the 10,000 test images, each scored once |
| trained on | the 50,000 training images of this set: %(images)s |
| trained by | `%(command)s` |
| code | commit %(commit)s; TensorFlow %(tensorflow)s, Python %(python)s, %(processor)s, lock %(lock)s |
| license | Apache 2.0, like the code. The images are Krizhevsky's, from the 80 Million Tiny Images, a collection that its owners have withdrawn; none of them is here |

It knows ten classes: airplane, automobile, bird, cat, deer, dog, frog, horse, ship and
truck. It assigns one of them to every picture, even of a face, a house or nothing at all.
It was trained on photographs of 32 x 32 pixels with one object in the middle. Its
probabilities have not been calibrated, and it has not been examined for bias. It is meant
for learning, for comparison, and for trying out the programs.

| class | recall | precision | most often misclassified as |
|---|---|---|---|
%(by_class)s"""


@command_line.program('publish')
def main(argv):
  parser = command_line.Parser(
      prog='publish',
      description=__doc__,
  )
  parser.add_argument('--run', required=True, metavar='DIR')
  parser.add_argument('--data_dir', required=True, metavar='DIR')
  parser.add_argument(
      '--record', required=True, metavar='FILE', help="the run's results"
  )
  parser.add_argument(
      '--out',
      default=os.path.join(manifest.ROOT, 'cifar10_compat', 'published'),
      metavar='DIR',
      help='directory for the network (default: cifar10_compat/published in '
      'the checkout)',
  )
  parser.add_argument(
      '--golden',
      default=GOLDEN,
      metavar='FILE',
      help='file for the logits (default: the file that the tests read)',
  )
  args = parser.parse_args(argv)
  out = command_line.path(args.out)
  tf.disable_v2_behavior()
  record = json_files.read(command_line.path(args.record), '--record')
  last = record['precision'][-1]
  path = os.path.join(
      command_line.path(args.run),
      'kept',
      '%s-%d' % (checkpoints.BASENAME, last['step']),
  )
  if not os.path.exists(path + '.index'):
    raise errors.UsageError(
        '%s, the checkpoint of the last step in --record, is missing: choose '
        'another --run' % path
    )
  weights = averaged_weights(path)
  with tempfile.TemporaryDirectory() as scratch:
    write_checkpoint(weights, last['step'], scratch)
    counts = confusion(command_line.path(args.data_dir), scratch)
  # The record can be from a run with --fast, which rounds differently.
  if abs(np.trace(counts) / counts.sum() - last['averaged']) > _ROUNDING:
    raise errors.UsageError(
        '--record has precision %g, but the network has %g: use the --record '
        'and the images of the same run'
        % (last['averaged'], np.trace(counts) / counts.sum())
    )
  os.makedirs(out, exist_ok=True)
  write_checkpoint(weights, last['step'], out)
  size = sum(
      os.path.getsize(f)
      for f in glob.glob(os.path.join(glob.escape(out), '*.data-*'))
  )
  files.write(
      os.path.join(out, 'README.md'), [card(record, counts, size).encode()]
  )
  json_files.write(
      command_line.path(args.golden),
      {
          'step': last['step'],
          'confusion': counts.tolist(),
          'files': record['manifest']['dataset']['files'],
          'logits': [
              [round(float(v), 6) for v in row]
              for row in logits(golden_images(), out)
          ],
      },
      '--golden',
  )
  print('%s contains the weights of step %d.' % (out, last['step']))
  return 0


if __name__ == '__main__':
  sys.exit(main())
