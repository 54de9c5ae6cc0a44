"""What the programs' command lines share; only entry points import this.

A program defines its flags in run(), not when it is imported, so that a test
or a notebook can import two programs whose flags have the same names.
"""

import inspect
import os
import sys
import textwrap

from absl import app
from absl import flags

from cifar10_compat import cifar10
from cifar10_compat import datasets
from cifar10_compat import errors
from cifar10_compat import models
from cifar10_compat import signals

FLAGS = flags.FLAGS

# A flag defined by a function here belongs to the program that called it.
flags.disclaim_key_flags()


def define_dataset_flag():
  """Defines --dataset."""
  flags.DEFINE_string(
      'dataset', datasets.CIFAR10.name,
      'Image set: %s, or a directory written by make_records; synthetic is '
      'drawn on the spot.' % ', '.join(sorted(datasets.DATASETS)))


def define_data_flags():
  """Defines --batch_size, --data_dir, --data_url and --dataset."""
  define_dataset_flag()
  flags.DEFINE_integer('batch_size', cifar10.BATCH_SIZE,
                       'Images in a batch.', lower_bound=1)
  flags.DEFINE_string(
      'data_dir', '/tmp/cifar10_data',
      'Directory that has, or will get, the images in a directory of the '
      "set's own: cifar-10-batches-bin for CIFAR-10.")
  flags.DEFINE_list(
      'data_url', [],
      'URLs of directories that have the files to download, with commas; they '
      "are asked before the set's own host.")


def define_model_flags():
  """Defines --model."""
  flags.DEFINE_enum('model', models.CIFAR10.name, sorted(models.MODELS),
                    "Network: the tutorial's, or that of its exercise with a "
                    'locally connected top.')


def define_checkpoint_flags():
  """Defines --checkpoint_dir and --averaged."""
  flags.DEFINE_string('checkpoint_dir', '/tmp/cifar10_train',
                      "Directory of the checkpoints, the trainer's train_dir.")
  flags.DEFINE_boolean('averaged', True,
                       'Take the moving averages of the variables instead of '
                       'the variables.')


def define_training_flags():
  """Defines --train_dir, --max_steps, --log_device_placement and --fresh."""
  flags.DEFINE_string('train_dir', '/tmp/cifar10_train',
                      'Directory for checkpoints and event files.')
  flags.DEFINE_integer('max_steps', 1000000,
                       'Global step at which to end.', lower_bound=1)
  flags.DEFINE_boolean('log_device_placement', False,
                       'Print the device of each op.')
  flags.DEFINE_boolean('fresh', False,
                       'Remove the checkpoints and event files in --train_dir '
                       'and start from step 0, instead of resuming.')


def define_decay_flags():
  """Defines --decay_by_examples."""
  flags.DEFINE_boolean(
      'decay_by_examples', False,
      'Let the learning rate drop every 350 epochs of all images seen, instead '
      'of every 350 epochs of one batch an update as in 2016.')


def define_session_flags():
  """Defines --allow_growth."""
  flags.DEFINE_boolean(
      'allow_growth', False,
      'Take GPU memory as needed instead of all at once, so that a trainer and '
      'an evaluator fit on one GPU.')


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


def get_dataset(name):
  """Returns the Dataset that --dataset names: see datasets.get()."""
  return datasets.get(name if name in datasets.DATASETS else user_path(name))


def _flag_help(flag):
  """Returns what --help says of an absl Flag."""
  text = ' '.join(flag.help.split())
  if flag.boolean:
    name = '[no]' + flag.name
    text += ' Default: %s.' % ('yes' if flag.default else 'no')
  elif flag.default in (None, [], ''):
    name = flag.name + '=...'
  else:
    name = '%s=%s' % (flag.name, flag.default)
  return '  --%s\n%s' % (name, textwrap.fill(
      text, 79, initial_indent=' ' * 6, subsequent_indent=' ' * 6))


def help_page(module, first_flags):
  """Returns what --help prints.

  Args:
    module: str, the name of a program's module, whose flags are defined.
    first_flags: names of flags that are shown before the others.
  """
  # Under the name by which absl knows what the module defined.
  key = sys.argv[0] if module == '__main__' else module
  by_name = {f.name: f for f in FLAGS.get_key_flags_for_module(key)}
  first = [by_name.pop(name) for name in first_flags]
  parts = [inspect.cleandoc(sys.modules[module].__doc__)]
  parts += ['Flags, with their defaults; those that matter most come first:']
  parts += ['\n'.join(map(_flag_help, first))]
  if by_name:
    parts += ['Further flags:', '\n'.join(map(_flag_help, by_name.values()))]
  parts += ["--helpfull shows absl's and TensorFlow's flags too."]
  return '\n\n'.join(parts)


def run(define_flags, main, first_flags, takes_arguments=False):
  """Runs a program: its flags, its exit code, its errors.

  A foreseen mistake becomes one line on stderr and exit code 1; any other
  exception keeps its traceback.  After SIGINT or SIGTERM the exit code is 128
  and the signal's number, as a shell expects.

  Args:
    define_flags: function without arguments that defines the flags.
    main: function of a signals.StopRequest that does the work.
    first_flags: names of the flags that --help shows first.
    takes_arguments: bool, hand main the list of what is no flag, besides.
  """
  define_flags()

  def parse_flags(argv):
    # As an installed command a program is not the main module, which alone is
    # what absl's own --help describes.
    if {'-h', '-help', '--help', '--helpshort'} & set(argv[1:]):
      print(help_page(define_flags.__module__, first_flags))
      sys.exit(0)
    return app.parse_flags_with_usage(argv)

  def absl_main(argv):
    if len(argv) > 1 and not takes_arguments:
      raise app.UsageError('unexpected argument: %s' % argv[1])
    try:
      with signals.stop_on_signals() as stop:
        main(stop, *([argv[1:]] if takes_arguments else []))
    except errors.Cifar10Error as e:
      print('%s: error: %s' % (os.path.basename(argv[0]), e), file=sys.stderr)
      sys.exit(128 + stop.signum if stop.requested else 1)
    if stop.requested:
      sys.exit(128 + stop.signum)

  app.run(absl_main, flags_parser=parse_flags)
