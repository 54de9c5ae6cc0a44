"""Defines the measurements, and the commands that perform the measurements.

Each function returns a dict from a contestant's name to its Command.
"""

from typing import Callable, Dict, List, NamedTuple

from cifar10_compat import cifar10_input
from cifar10_compat import config as config_lib
from cifar10_compat.base import errors

from ..base import processes
from ..base import training_log
from ..editions import old_scripts
from ..run import launch
from . import children
from . import log_times
from . import parts
from . import tenfold_set
from . import torch_network

# The measurements, in their order within a round.
MEASUREMENTS = ('input', 'constant', 'end_to_end', 'start', 'eval', 'scaling')

# Number of steps that the trainers run before the timed steps; a multiple of
# 10.
_WARM_UP_STEPS = 20
# Approximate number of examples per scaling run, so that runs with small
# batches take long enough.
_SCALING_EXAMPLES = 5120
_BATCH_SIZES = (32, 128, 512, 1024)
_TOWERS = (1, 2, 4)

_TRAIN = 'cifar10_compat.cifar10_train'
_TOWER_TRAIN = 'cifar10_compat.cifar10_multi_gpu_train'
_EVAL = 'cifar10_compat.cifar10_eval'

_BFLOAT16 = ['--fast', '--precision=bfloat16']


class Command(NamedTuple):
  """A process that performs a measurement."""

  module: str
  args: List[str]
  # Converts a children.Result to the measurements.
  read: Callable[[children.Result], Dict[str, object]]
  environment: Dict[str, str] = {}
  # The name of the module's flag for a new directory, if there is such a flag.
  directory_flag: str = ''


def _child(name, args, environment=None):
  return Command(
      processes.tool('speed.' + name),
      args,
      lambda result: result.values,
      environment or {},
  )


def _program(module, args, read, directory_flag='train_dir'):
  """Returns the Command of a program that does not time itself."""
  return Command(
      processes.tool('speed.timed_program'),
      [module] + args,
      read,
      directory_flag=directory_flag,
  )


def inputs(*, data_dir, dataset, source, secs):
  """Returns the Commands that measure the input alone.

  Args:
    data_dir: str, the parent directory of the set's directory.
    dataset: str, the value of the trainers' --dataset.
    source: str, the directory of the unmodified tutorial, or None.
    secs: float, the seconds for which to time each contestant.
  """
  args = ['--data_dir=' + data_dir, '--dataset=' + dataset, '--secs=%g' % secs]
  found = {}
  if source:
    found['tutorial'] = _child(
        'input_rate', ['tutorial', '--source=' + source] + args
    )
  for name in ('literal', 'fast', 'tf_data'):
    found[name] = _child('input_rate', [name] + args)
  return found


def constant(*, steps, secs, processor):
  """Returns the Commands for the train op on one batch and the machine's limit.

  Args:
    steps: int, number of steps to time.
    secs: float, the seconds for which to time a matrix product.
    processor: dict, see manifest.processor().
  """
  args = ['--steps=%d' % steps, '--batch_size=%d' % config_lib.BATCH_SIZE]
  fast = parts.fast_environment()
  environments = {'literal': {}}
  environments.update((name, p.environment) for name, p in parts.PARTS.items())
  environments.update((name, fast) for name in parts.FAST)
  # Keras runs with the same oneDNN setting as --fast.
  environments['keras'] = fast
  if torch_network.available():
    environments['pytorch'] = {}
  found = {
      name: _child('constant_batch', [name] + args, environment)
      for name, environment in environments.items()
  }
  types = ['float32']
  if {'avx512_bf16', 'amx_bf16', 'bf16'} & set(processor['features']):
    types.append('bfloat16')
  for dtype in types:
    found['matrix_product_' + dtype] = _child(
        'matrix_product', [dtype, '--secs=%g' % secs], fast
    )
  return found


def end_to_end(
    *, data_dir, dataset, source, steps, towers=(), workers=(), runtime=None
):
  """Returns the Commands for the real trainers, including summaries.

  Args:
    data_dir, dataset, source: see inputs().
    steps: int, number of steps to time, a multiple of 100.
    towers, workers: ints, numbers of CPU towers, or of workers with a parameter
      server, that share the batch.
    runtime: str, an old TensorFlow version on which to time the unmodified
      tutorial as well, or None.

  Raises:
    UsageError: the batch cannot be shared evenly.
  """
  last = _WARM_UP_STEPS + steps
  data = _data_flags(data_dir, dataset)

  def read(result, name=''):
    log = launch.lines_of(name, result.log) if name else result.log
    return {
        'seconds_per_step': log_times.sec_per_step(log, _WARM_UP_STEPS, last)
    }

  end = ['--max_steps=%d' % (last + 1)]
  found = _trainers(data + end, source, read, runtime)
  found['fast_bfloat16'] = _program(_TRAIN, _BFLOAT16 + data + end, read)
  for number in towers:
    found['towers_%d' % number] = _program(
        _TOWER_TRAIN,
        ['--num_gpus=%d' % number, '--tower_devices=cpu']
        + [_share(number)]
        + data
        + end,
        read,
    )
  for number in workers:
    found['workers_%d' % number] = _program(
        processes.tool('run.launch'),
        ['--ps=1', '--workers=%d' % number, _share(number)] + data + end,
        lambda result: read(result, 'worker 0'),
    )
  return found


def start(*, data_dir, dataset, source):
  """Returns the Commands that time a trainer from its start to its first step.

  Args:
    data_dir, dataset, source: see inputs().
  """

  def read(result):
    first = training_log.parse(result.log)[0]
    return _with_and_without_import(
        first.time.timestamp() - result.started, result
    )

  return _trainers(
      _data_flags(data_dir, dataset) + ['--max_steps=1'], source, read
  )


def evaluation(*, data_dir, dataset, source, checkpoint_dir):
  """Returns the Commands that measure the evaluator's process.

  Args:
    data_dir, dataset, source: see inputs().
    checkpoint_dir: str, the directory of a checkpoint of the literal network.
  """

  def read(result):
    precision = result.log.rpartition('precision @ 1 = ')[2].split()[0]
    values = _with_and_without_import(result.seconds, result)
    return dict(values, precision=float(precision))

  def program(module, args):
    args = args + ['--data_dir=' + data_dir, '--run_once=true']
    args += ['--checkpoint_dir=' + checkpoint_dir]
    return _program(module, args, read, 'eval_dir')

  found = {}
  if source:
    found['tutorial'] = program(
        processes.tool('editions.scripts'),
        ['--source=' + source, 'cifar10_eval'],
    )
  found['literal'] = program(_EVAL, ['--dataset=' + dataset])
  found['fast'] = program(_EVAL, ['--fast', '--dataset=' + dataset])
  return found


def scaling(*, data_dir, dataset, tenfold):
  """Returns the Commands for --fast with several batches, towers and set sizes.

  Args:
    data_dir, dataset: see inputs().
    tenfold: str, the directory of a set with ten times the files, from
      tenfold_set.write().
  """
  data = _data_flags(data_dir, dataset)
  found = {}
  for batch_size in _BATCH_SIZES:
    found['batch_%d' % batch_size] = _scaled(_TRAIN, data, batch_size)
  # Keep the minimum queue size, which is a fraction of the set.
  fraction = cifar10_input.MIN_FRACTION_OF_EXAMPLES_IN_QUEUE / tenfold_set.TIMES
  found['records_x%d' % tenfold_set.TIMES] = _scaled(
      _TRAIN,
      ['--dataset=' + tenfold, '--queue_fraction=%g' % fraction],
      config_lib.BATCH_SIZE,
  )
  for number in _TOWERS:
    found['towers_%d' % number] = _scaled(
        _TOWER_TRAIN,
        data + ['--num_gpus=%d' % number, '--tower_devices=cpu'],
        config_lib.BATCH_SIZE,
        towers=number,
    )
  return found


def _scaled(module, flags, batch_size, *, towers=1):
  """Returns the Command that times a trainer's steps without summaries."""
  examples = batch_size * towers
  last = log_times.last_step_without_summaries(_SCALING_EXAMPLES // examples)

  def read(result):
    seconds = log_times.sec_per_step_between_summaries(result.log)
    return {'seconds_per_example': seconds / examples}

  return _program(
      module,
      ['--fast', '--batch_size=%d' % batch_size]
      + ['--max_steps=%d' % (last + 1)]
      + flags,
      read,
  )


def _trainers(args, source, read, runtime=None):
  """Returns the Commands of the tutorial's trainer, the port's, and --fast."""
  found = {}
  # The tutorial has no flag --dataset.
  tutorial_args = [arg for arg in args if not arg.startswith('--dataset=')]
  for name, version in (('original', runtime), ('tutorial', None)):
    if source and (version or name == 'tutorial'):
      found[name] = _program(
          processes.tool('editions.scripts'),
          old_scripts.arguments(source, 'cifar10_train', version)
          + tutorial_args,
          read,
      )
  found['literal'] = _program(_TRAIN, args, read)
  found['fast'] = _program(_TRAIN, ['--fast'] + args, read)
  return found


def _data_flags(data_dir, dataset):
  return ['--data_dir=' + data_dir, '--dataset=' + dataset]


def _share(number):
  """Returns the --batch_size of each tower or worker."""
  if number < 1 or config_lib.BATCH_SIZE % number:
    raise errors.UsageError(
        '%d towers or workers cannot share a batch of %d evenly: choose a '
        'divisor' % (number, config_lib.BATCH_SIZE)
    )
  return '--batch_size=%d' % (config_lib.BATCH_SIZE // number)


def _with_and_without_import(seconds, result):
  import_seconds = result.values['import_seconds']
  return {
      'seconds': seconds,
      'import_seconds': import_seconds,
      'seconds_less_import': seconds - import_seconds,
  }
