"""Writes an HTML page about a training run and its network.

  run_page --train_dir=DIR --out=FILE [--data_dir=DIR] [--log=FILE]
      [--eval_dir=DIR] [--raw_eval_dir=DIR] [--record=FILE]

The page shows the loss and its terms, the learning rate, the fill levels of the
queues and the filters of conv1, all from the train_dir, and the network's
predictions for the images in --data_dir; all other parts come from the other
files.  The page is one file that loads no other files.
"""

# Import first: TensorFlow reads its log levels at load time.
from cifar10_compat.base import quiet  # noqa: F401  # isort: skip

import importlib.util
import os
import sys

import tensorflow.compat.v1 as tf

from cifar10_compat import config as config_lib
from cifar10_compat.base import errors
from cifar10_compat.base import files
from cifar10_compat.data import datasets
from cifar10_compat.training import checkpoint_list
from cifar10_compat.training import notes

from ..base import command_line
from ..base import manifest
from . import history
from . import page
from . import predictions


def network(config, data_dir):
  """Returns the page.Network of the newest checkpoint, with averaged weights.

  Args:
    config: config.Checkpoint, of the train_dir.
    data_dir: str, the directory that contains the set's directory; if the image
      files are missing, the result has no logits.

  Raises:
    UsageError, CheckpointError, DataError: the checkpoint or an image file is
      invalid.
  """
  dataset = config.dataset
  try:
    checkpoint = checkpoint_list.newest(config.checkpoint_dir)
  except errors.NoCheckpointError:
    return page.Network(None, dataset.class_names, None, None, None, None)
  notes.check(config.checkpoint_dir, config, '--train_dir')
  checkpoint.verify()
  images, labels, logits = None, None, None
  if all(map(os.path.exists, dataset.filenames(data_dir, True))):
    images, labels = predictions.test_images(dataset, data_dir)
    logits = predictions.logits(images, config)
  return page.Network(
      checkpoint.step,
      dataset.class_names,
      images,
      labels,
      logits,
      history.conv1_filters(checkpoint.path),
  )


def facts(record, config, step):
  """Returns facts about the run, for the last table of the page.

  Args:
    record: dict, read from a results file, or None.
    config: config.Network.
    step: int, the step of the newest checkpoint, or None.

  Raises:
    UsageError: the manifest in the record is invalid.
  """
  try:
    return _facts(record, config, step)
  except (AttributeError, TypeError, ValueError) as e:
    if record is None:
      raise
    raise errors.UsageError(
        '--record has an invalid manifest (%s): specify a results file of '
        '//tools:reproduce' % e
    ) from e


def _facts(record, config, step):
  found = {
      'model': config.model,
      'data set': config.dataset.name,
      'step': 'no checkpoint' if step is None else '{:,}'.format(step),
  }
  if record:
    origin, prefix = record['manifest'], ''
    files = (origin.get('dataset') or {}).get('files') or {}
    found.update(
        {
            'images': record.get('images', 'unknown'),
            'image files, SHA-256': ', '.join(
                '%s %s' % item for item in sorted(files.items())
            ),
            'command': record.get('command', 'unknown'),
            'seed': origin.get('seed', 'unknown'),
            'environment': ', '.join(
                '%s=%s' % item
                for item in (origin.get('environment') or {}).items()
                if item[1]
            )
            or 'no relevant variable is set',
        }
    )
  else:
    # A train_dir does not record the conditions of its run.
    origin, prefix = manifest.origin(), 'this page: '
  processor = origin.get('processor') or {}
  versions = origin.get('versions') or {}
  found.update(
      {
          prefix
          + 'commit': '%s%s'
          % (
              origin.get('commit') or 'unknown',
              ', changed' if origin.get('dirty') else '',
          ),
          prefix
          + 'lock, SHA-256': (
              origin.get('requirements_lock_sha256') or 'unknown'
          ),
          prefix
          + 'processor': '%s: %s; %s threads'
          % (
              processor.get('name', 'unknown'),
              ', '.join(processor.get('features', ())),
              processor.get('threads', 'unknown'),
          ),
          prefix
          + 'versions': ', '.join(
              '%s %s' % item for item in versions.items() if item[1]
          ),
      }
  )
  return found


def _parser():
  parser = command_line.Parser(
      prog='run_page',
      description=__doc__,
  )
  parser.add_argument('--train_dir', required=True, metavar='DIR')
  parser.add_argument('--out', required=True, metavar='FILE')
  parser.add_argument(
      '--data_dir',
      default='/tmp/cifar10_data',
      metavar='DIR',
      help='directory that contains the directory of the image set (default: '
      '%(default)s)',
  )
  parser.add_argument(
      '--dataset',
      default=datasets.CIFAR10.name,
      help='image set of the run, or the directory of a custom set',
  )
  parser.add_argument('--model', default=config_lib.CIFAR10)
  parser.add_argument(
      '--log',
      metavar='FILE',
      help="file with the trainer's output, from which to compute the speed",
  )
  parser.add_argument(
      '--eval_dir',
      metavar='DIR',
      help="directory of the evaluator's event files, which contain the "
      'precision',
  )
  parser.add_argument(
      '--raw_eval_dir',
      metavar='DIR',
      help='directory of the event files of an evaluator with --noaveraged',
  )
  parser.add_argument(
      '--record',
      metavar='FILE',
      help='results file of //tools:reproduce, which contains the precision '
      'and the conditions of the run',
  )
  return parser


@command_line.program('run_page')
def main(argv):
  args = _parser().parse_args(argv)
  for name in ('jinja2', 'matplotlib', 'PIL'):
    if importlib.util.find_spec(name) is None:
      raise errors.UsageError(
          '%s is not installed: pip install cifar10_compat[page]' % name
      )
  tf.disable_v2_behavior()
  path = command_line.path
  train_dir = path(args.train_dir)
  dataset = config_lib.get_dataset(args.dataset)
  config = config_lib.Checkpoint(
      checkpoint_dir=train_dir, dataset=dataset, model=args.model
  )
  course = history.read(
      train_dir,
      eval_dirs={
          'averaged': path(args.eval_dir),
          'raw': path(args.raw_eval_dir),
      },
      log=path(args.log),
      record=path(args.record),
  )
  trained = network(config, path(args.data_dir))
  title = 'A training run of %s on %s' % (config.model, dataset.name)
  if not course.scalars and trained.step is None:
    raise errors.UsageError(
        '--train_dir=%s has neither event files nor a checkpoint: specify the '
        'train_dir of a run' % train_dir
    )
  text = page.render(
      title,
      course,
      trained,
      facts(course.record, config, trained.step),
  )
  out = path(args.out)
  with command_line.writing(out, '--out'):
    files.replace(out, text.encode())
  print('%s shows %s.' % (out, train_dir))
  return 0


if __name__ == '__main__':
  sys.exit(main())
