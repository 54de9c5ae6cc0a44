"""The flags that programs share, and what they choose; libraries know none.

A program defines its flags when it runs, not when it is imported, so that a test
or a notebook can import two programs whose flags have the same names.
"""

import math
import os
import sys

from absl import flags
import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10
from cifar10_compat import models
from cifar10_compat import published
from cifar10_compat.base import errors
from cifar10_compat.base import onednn
from cifar10_compat.data import datasets
from cifar10_compat.training import checkpoints

FLAGS = flags.FLAGS

# A flag defined by a function here belongs to the program that called it.
flags.disclaim_key_flags()


def define_dataset_flag():
  """Defines --dataset."""
  flags.DEFINE_string(
      'dataset',
      datasets.CIFAR10.name,
      'Image set: %s, or a directory written by make_records; synthetic is '
      'drawn on the spot.' % ', '.join(sorted(datasets.DATASETS)),
  )


def define_data_flags():
  """Defines --batch_size, --data_dir, --data_url and --dataset."""
  define_dataset_flag()
  flags.DEFINE_integer(
      'batch_size', cifar10.BATCH_SIZE, 'Images in a batch.', lower_bound=1
  )
  flags.DEFINE_string(
      'data_dir',
      '/tmp/cifar10_data',
      'Directory that has, or will get, the images in a directory of the '
      "set's own: cifar-10-batches-bin for CIFAR-10.",
  )
  flags.DEFINE_list(
      'data_url',
      [],
      'URLs of directories that have the files to download, with commas; they '
      "are asked before the set's own host.",
  )


def define_model_flags():
  """Defines --model."""
  flags.DEFINE_enum(
      'model',
      models.CIFAR10.name,
      sorted(models.MODELS),
      "Network: the tutorial's; the same with conv weights that start with a "
      'deviation of 5e-2 instead of 1e-4, as in later editions; or that of the '
      'exercise with a locally connected top.',
  )


def define_fast_flags(with_input=True):
  """Defines --fast, --fast_network, --fast_input and --precision.

  Args:
    with_input: bool, whether the program reads an image set.
  """
  flags.DEFINE_boolean(
      'fast',
      False,
      'Compute the same with faster ops, %sto the rounding of float32; '
      'switches oneDNN on unless TF_ENABLE_ONEDNN_OPTS is set.'
      % ('and read images in chunks, ' if with_input else ''),
  )
  flags.DEFINE_boolean(
      'fast_network',
      None,
      'Make the network of faster ops. Default: what --fast says, but no on a '
      "machine with a GPU, where TensorFlow's own ops are the fast ones.",
  )
  if with_input:
    flags.DEFINE_boolean(
        'fast_input',
        None,
        'Read and distort images in chunks of 32. Default: what --fast says.',
    )
  flags.DEFINE_enum(
      'precision',
      'float32',
      sorted(models.PRECISIONS),
      'Type of the factors of conv1, local3 and local4 in the fast network; '
      'bfloat16 is faster on processors that have instructions for it, and '
      'rounds to 8 significant bits.',
  )


def define_checkpoint_flags():
  """Defines --checkpoint_dir and --averaged."""
  flags.DEFINE_string(
      'checkpoint_dir',
      '/tmp/cifar10_train',
      "Directory of the checkpoints, the trainer's train_dir; %s: the trained "
      'network that comes with the package.' % published.NAME,
  )
  flags.DEFINE_boolean(
      'averaged',
      True,
      'Take the moving averages of the variables instead of the variables.',
  )


def define_training_flags():
  """Defines --train_dir, and further flags of the trainers."""
  flags.DEFINE_string(
      'train_dir',
      '/tmp/cifar10_train',
      'Directory for checkpoints and event files.',
  )
  flags.DEFINE_integer(
      'max_steps', 1000000, 'Global step at which to end.', lower_bound=1
  )
  flags.DEFINE_float(
      'learning_rate',
      cifar10.INITIAL_LEARNING_RATE,
      'Learning rate of the first steps; it drops to a tenth every 350 epochs. '
      'A training that is resumed may have another: a line says so.',
      lower_bound=1e-30,
  )
  flags.DEFINE_boolean(
      'log_device_placement', False, 'Print the device of each op.'
  )
  flags.DEFINE_boolean(
      'fresh',
      False,
      'Remove the checkpoints and event files in --train_dir '
      'and start from step 0, instead of resuming.',
  )
  flags.DEFINE_integer(
      'seed',
      None,
      'Seed of every random op: initial weights, distortions, the order of the '
      'images. Threads still interleave as they please, so that without '
      '--deterministic only the initial weights repeat exactly. Default: a '
      'different one in each run.',
      lower_bound=0,
  )


def define_deterministic_flag():
  """Defines --deterministic."""
  flags.DEFINE_boolean(
      'deterministic',
      False,
      'Repeat a run of the same --seed, which it needs, in every bit, on the '
      'same machine and TensorFlow; a resumed one too, which first draws and '
      'discards the batches that were trained on. One thread distorts the '
      'images.',
  )


def define_decay_flags():
  """Defines --decay_by_examples."""
  flags.DEFINE_boolean(
      'decay_by_examples',
      False,
      'Let the learning rate drop every 350 epochs of all images seen, instead '
      'of every 350 epochs of one batch an update as in 2016.',
  )


def define_session_flags():
  """Defines --allow_growth."""
  flags.DEFINE_boolean(
      'allow_growth',
      False,
      'Take GPU memory as needed instead of all at once, so that a trainer and '
      'an evaluator fit on one GPU.',
  )


def define_stall_flag():
  """Defines --stall_secs."""
  flags.DEFINE_float(
      'stall_secs',
      300,
      'Seconds after which a training that stands still, since no step ends and '
      'no queue fills or empties, says what it waits for, saves and ends; 0: '
      'never. kill -USR1 makes it say the same at any time.',
      lower_bound=0,
  )


def user_path(path):
  """Returns a path as seen from the directory the user stands in.

  `bazel run` starts a program in its own tree, and names the user's directory
  in BUILD_WORKING_DIRECTORY.
  """
  path = os.path.expanduser(path)
  return os.path.join(os.environ.get('BUILD_WORKING_DIRECTORY', ''), path)


def enter_user_directory():
  """Makes the directory the user stands in the process's own.

  For programs that print paths as they were given, or hand them on.
  """
  os.chdir(user_path('.'))


def get_checkpoint_dir(flag_values, *, or_published=False):
  """Returns the directory that --checkpoint_dir names.

  Args:
    flag_values: absl FlagValues with the flags of define_checkpoint_flags(),
      and with --dataset and --model where or_published is true.
    or_published: bool, take the published network, and say so on stderr, if
      the flag is not given, its default directory has no checkpoint, and the
      other flags ask for such a network.

  Raises:
    CheckpointError: the default directory's list cannot be read.
  """
  if flag_values.checkpoint_dir == published.NAME:
    return published.DIRECTORY
  directory = user_path(flag_values.checkpoint_dir)
  if (
      or_published
      and not flag_values['checkpoint_dir'].present
      and flag_values.dataset == datasets.CIFAR10.name
      and flag_values.model == models.CIFAR10.name
      and flag_values.averaged
      and not checkpoints.has_any(directory)
  ):
    print(
        'No checkpoint is in %s: taking the published network.' % directory,
        file=sys.stderr,
        flush=True,
    )
    return published.DIRECTORY
  return directory


def get_dataset(name):
  """Returns the Dataset that --dataset names: see datasets.get()."""
  return datasets.get(name if name in datasets.DATASETS else user_path(name))


def get_model(flag_values):
  """Returns the models.Model that --model, --fast and its parts choose.

  Args:
    flag_values: absl FlagValues with the flags of define_model_flags() and of
      define_fast_flags().

  Raises:
    UsageError: before TensorFlow was loaded --fast was read otherwise, or
      --precision is there without the fast network.
  """
  fast = flag_values.fast
  if onednn.found not in (None, fast):
    raise errors.UsageError(
        '--fast is %s, but was taken for %s before TensorFlow was loaded: give '
        'it once, as the first flag' % (fast, onednn.found)
    )
  network = flag_values.fast_network
  if network is None:
    network = fast and not tf.config.list_physical_devices('GPU')
  fast_input = getattr(flag_values, 'fast_input', None)
  return models.get(
      flag_values.model,
      fast_network=network,
      fast_input=fast if fast_input is None else fast_input,
      precision=flag_values.precision,
  )


# The highest values of flags, and why: beyond these a program would not end with
# an error but build, or wait, or fill the memory, for ever.
_WEEK = 7 * 24 * 60 * 60
_HIGHEST = {
    'batch_size': (65536, 'the output of conv1 alone would take over 9 GB'),
    'num_gpus': (64, 'no machine has more GPUs'),
    'replicas_to_aggregate': (65536, 'no cluster has more workers'),
    'eval_interval_secs': (_WEEK, 'that is a week'),
    'connect_secs': (_WEEK, 'that is a week'),
    'ps_timeout_secs': (_WEEK, 'that is a week'),
    'chief_timeout_secs': (_WEEK, 'that is a week'),
    'stall_secs': (_WEEK, 'that is a week'),
    'seed': ((1 << 31) - 2, 'beyond, TensorFlow begins again at 0'),
    'max_steps': ((1 << 63) - 1, 'steps are counted in 64 bits'),
    'num_examples': ((1 << 63) - 1, 'images are counted in 64 bits'),
}


def check_values(flag_values):
  """Checks what absl's bounds do not know.

  Args:
    flag_values: absl FlagValues, parsed.

  Raises:
    flags.IllegalFlagValueError: a number is NaN or infinite, or too high.
  """
  for name in flag_values:
    value = flag_values[name].value
    if isinstance(value, float) and not math.isfinite(value):
      raise flags.IllegalFlagValueError(
          'flag --%s=%s: it must be a finite number' % (name, value)
      )
  for name, (highest, why) in _HIGHEST.items():
    value = flag_values[name].value if name in flag_values else None
    if value is not None and value > highest:
      raise flags.IllegalFlagValueError(
          'flag --%s=%s: it must be at most %d (%s)'
          % (name, value, highest, why)
      )
