"""The programs' settings: a dataclass per program, a field per flag.

In the files of 2016, `config` replaces FLAGS: FLAGS.batch_size is now
config.batch_size.  Each field declared with settings.flag() is a flag of the
program; other fields are for Python callers.  Flags, --help and docs/flags.md
are generated from the fields.  A program defines its flags only when it runs,
so that a test or a notebook can import two programs whose flags have the same
names.

This module does not import TensorFlow: a program reads its command line before
it loads TensorFlow (startup.py).
"""

import dataclasses

from cifar10_compat import published
from cifar10_compat.base import errors
from cifar10_compat.base import paths
from cifar10_compat.base import settings
from cifar10_compat.data import datasets
from cifar10_compat.data import description

# Values of --model: the tutorial's network; the same network with the larger
# initial weights used since September 2016; the tutorial's exercise, with
# locally connected top layers.
CIFAR10 = 'cifar10'
CIFAR10_LATER = 'cifar10_5e-2'
CONV_LOCAL = 'conv_local'

# Values of --count.
EXACT = 'exact'  # Score each image once.
HISTORICAL = 'historical'  # Draw from a shuffling queue, as in 2016.

# Values of --tower_devices.
GPU = 'gpu'
CPU = 'cpu'

# Values of --views: see cifar10_input.views().
NUM_VIEWS = (1, 5, 10)

# Maximum number of checkpoints that a trainer keeps.
MAX_CHECKPOINTS = 1000

# Defaults.
BATCH_SIZE = 128
TRAIN_DIR = '/tmp/cifar10_train'
EVAL_DIR = '/tmp/cifar10_eval'

_IN_A_BATCH = settings.Bounds(
    1, 65536, 'the output of conv1 alone would take over 9 GB'
)
_WEEK = 7 * 24 * 60 * 60
_UP_TO_A_WEEK = settings.Bounds(0, _WEEK, 'one week')
_IN_64_BITS = settings.Bounds(1, (1 << 63) - 1, 'the counter has 64 bits')


def get_dataset(name: str) -> description.Dataset:
  """Returns the Dataset for a value of --dataset: see datasets.get()."""
  return datasets.get(
      name if name in datasets.DATASETS else paths.user_path(name)
  )


def _checkpoint_dir(name: str) -> str:
  return (
      published.DIRECTORY
      if name in (published.NAME, published.DIRECTORY)
      else paths.checkpoint_directory(name)
  )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Network(settings.Config):
  """Settings of the network and its classes."""

  dataset: description.Dataset = settings.flag(
      datasets.CIFAR10,
      'Image set: %s, or a directory written by make_records; synthetic is '
      'generated on the fly.' % ', '.join(sorted(datasets.DATASETS)),
      parse=get_dataset,
  )
  model: str = settings.flag(
      CIFAR10,
      "Network: cifar10, the tutorial's; cifar10_5e-2, whose conv weights have "
      'an initial standard deviation of 5e-2 instead of 1e-4, as in later '
      "editions; conv_local, the exercise's with locally connected top layers.",
      choices=(CIFAR10, CIFAR10_LATER, CONV_LOCAL),
  )
  fast: bool = False
  fast_network: bool | None = None
  precision: str = 'float32'

  @property
  def num_classes(self) -> int:
    return self.dataset.num_classes

  @property
  def conv_stddev(self) -> float:
    """The initial standard deviation of the conv1 and conv2 weights."""
    return 5e-2 if self.model == CIFAR10_LATER else 1e-4


@dataclasses.dataclass(frozen=True, kw_only=True)
class FastNetwork(Network):
  """Settings of a network that can be built from faster ops."""

  fast: bool = settings.flag(
      False,
      'Use faster ops, equal up to float32 rounding error, and read image sets '
      'in chunks; enables oneDNN unless TF_ENABLE_ONEDNN_OPTS is set.',
  )
  fast_network: bool | None = settings.flag(
      None,
      'Build the network from faster ops. Default: the value of --fast, but '
      "false on a machine with a GPU, where TensorFlow's own ops are faster.",
  )
  precision: str = settings.flag(
      'float32',
      'Type of the factors in conv1, local3 and local4 of the fast network. '
      'bfloat16 rounds to 8 significant bits, and is faster on processors with '
      'bfloat16 instructions.',
      choices=('bfloat16', 'float32'),
  )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Images(FastNetwork):
  """Settings of a network and its images.

  Attributes:
    queue_fraction: 0 to 1, the minimum fraction of an epoch in the shuffling
      queue.
    deterministic: whether the graph's seed alone determines the batches, so
      that runs with the same seed are bit-identical: see training/replay.py.
    count, views: of an evaluation; see Eval.
  """

  batch_size: int = settings.flag(
      BATCH_SIZE,
      'Number of images per batch.',
      bounds=_IN_A_BATCH,
  )
  data_dir: str = settings.flag(
      '/tmp/cifar10_data',
      'Directory of the image sets, each in its own subdirectory: '
      'cifar-10-batches-bin for CIFAR-10. Missing sets are downloaded.',
      parse=paths.user_path,
  )
  data_url: tuple[str, ...] = settings.flag(
      (),
      'Comma-separated URLs of directories from which to download the files; '
      "tried before the image set's own host.",
  )
  fast_input: bool | None = settings.flag(
      None,
      'Read and distort images in chunks of 32. Default: the value of --fast.',
  )
  queue_fraction: float = 0.4
  deterministic: bool = False
  count: str = HISTORICAL
  views: int = 1

  @property
  def one_epoch(self) -> bool:
    """Whether each image is read once, instead of being drawn at random."""
    return self.count == EXACT

  @property
  def in_chunks(self) -> bool:
    """Whether the input reads and distorts images in chunks."""
    return self.fast if self.fast_input is None else self.fast_input


@dataclasses.dataclass(frozen=True, kw_only=True)
class Session(settings.Config):
  """Settings of a session's devices."""

  allow_growth: bool = settings.flag(
      False,
      'Allocate GPU memory as needed instead of all at once, so that a trainer '
      'and an evaluator fit on one GPU.',
  )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Checkpoint(Network):
  """Settings that select a checkpoint."""

  checkpoint_dir: str = settings.flag(
      TRAIN_DIR,
      "Directory of the checkpoints (the trainer's train_dir); %s: the trained "
      'network bundled with the package.' % published.NAME,
      parse=_checkpoint_dir,
  )
  averaged: bool = settings.flag(
      True,
      'Use the moving averages of the variables instead of the variables.',
  )

  @property
  def may_be_published(self) -> bool:
    """Whether the settings allow the published network as a default."""
    return (
        'checkpoint_dir' not in self.given
        and self.checkpoint_dir == TRAIN_DIR
        and self.dataset == datasets.CIFAR10
        and self.model == CIFAR10
        and self.averaged
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Training(Images, Session):
  """Settings that all trainers share.

  Attributes:
    log_steps, summary_steps, checkpoint_steps: the number of steps from one log
      line, summary or checkpoint to the next; the defaults are those of 2016.
    decay_by_examples: whether the 350 epochs between two drops of the learning
      rate count all images in an update; if false, the epochs count one batch,
      as in 2016.
    profile_steps: the global steps at which a run is traced.
    stall_secs: seconds after which a stalled training run ends; 0 disables the
      check.
  """

  train_dir: str = settings.flag(
      TRAIN_DIR,
      'Directory for checkpoints and event files.',
      parse=paths.checkpoint_directory,
  )
  max_steps: int = settings.flag(
      1000000,
      'Global step at which training ends.',
      bounds=_IN_64_BITS,
  )
  learning_rate: float = settings.flag(
      0.1,
      'Initial learning rate, divided by 10 every 350 epochs. A resumed run '
      'can use a different rate; the trainer prints the change.',
      bounds=settings.Bounds(1e-30),
  )
  log_device_placement: bool = settings.flag(
      False, 'Print the device of each op.'
  )
  fresh: bool = settings.flag(
      False,
      'Start from step 0 instead of resuming: removes the checkpoints and '
      'event files in --train_dir.',
  )
  seed: int | None = settings.flag(
      None,
      'Seed of every random op: initial weights, distortions and the order of '
      'images. Threads interleave at random, so without --deterministic only '
      'the initial weights repeat exactly. Default: a different seed in each '
      'run.',
      bounds=settings.Bounds(
          0, (1 << 31) - 2, 'TensorFlow wraps larger seeds around'
      ),
  )
  keep_checkpoints: int = settings.flag(
      5,
      'Number of newest checkpoints to keep.',
      bounds=settings.Bounds(
          1, MAX_CHECKPOINTS, 'the checkpoint list is rewritten at each save'
      ),
  )
  log_steps: int = 10
  summary_steps: int = 100
  checkpoint_steps: int = 1000
  decay_by_examples: bool = False
  profile_steps: tuple[int, ...] = ()
  stall_secs: float = 0


@dataclasses.dataclass(frozen=True, kw_only=True)
class SeveralBatches(settings.Config):
  """Settings of trainers whose updates use several batches.

  This class must be the first base class, and must not be a subclass of
  Training: a dataclass takes a field from the first base class that has the
  field, even if that class inherited it.
  """

  decay_by_examples: bool = settings.flag(
      False,
      'Divide the learning rate by 10 every 350 epochs, counting the images of '
      'all batches in an update. Default: count one batch per update, as in '
      '2016.',
  )


@dataclasses.dataclass(frozen=True, kw_only=True)
class LocalTraining(Training):
  """Settings of the trainers that run in one process."""

  deterministic: bool = settings.flag(
      False,
      'Make runs with the same --seed (required) bit-identical on the same '
      'machine and TensorFlow version. A resumed run first redraws and '
      'discards the batches already trained on. A single thread distorts the '
      'images.',
  )
  stall_secs: float = settings.flag(
      300,
      'Seconds without progress (no step ends, no queue changes size) after '
      'which the trainer reports what it is waiting for, saves and exits; 0 '
      'disables the check. kill -USR1 prints the report at any time.',
      bounds=_UP_TO_A_WEEK,
  )

  def __post_init__(self) -> None:
    super().__post_init__()
    if self.deterministic and self.seed is None:
      raise errors.UsageError(
          'a deterministic run needs a seed: add --seed=1 or another seed'
      )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Train(LocalTraining):
  """cifar10_train."""

  FIRST = (
      'data_dir', 'train_dir', 'max_steps', 'dataset', 'model', 'batch_size',
      'fresh',
  )  # fmt: skip

  queue_fraction: float = settings.flag(
      0.4,
      'Fraction of an epoch in the shuffling queue before the first step; a '
      'smaller fraction starts training sooner and shuffles less.',
      bounds=settings.Bounds(0, 1),
  )
  profile_steps: tuple[int, ...] = settings.flag(
      (),
      'Write a trace of this step, timeline-STEP.json, to --train_dir; open it '
      'in ui.perfetto.dev or chrome://tracing. Repeat the flag for more steps.',
      bounds=settings.Bounds(0),
  )


@dataclasses.dataclass(frozen=True, kw_only=True)
class MultiGpuTrain(SeveralBatches, LocalTraining):
  """cifar10_multi_gpu_train."""

  FIRST = (
      'num_gpus', 'tower_devices', 'batch_size', 'data_dir', 'train_dir',
      'max_steps', 'dataset', 'model', 'shared_input', 'fresh',
  )  # fmt: skip

  num_gpus: int = settings.flag(
      1,
      'Number of towers.',
      bounds=settings.Bounds(1, 64, 'no machine has more GPUs'),
  )
  tower_devices: str = settings.flag(
      GPU,
      'Devices of the towers: GPUs, or CPU devices that share the '
      "machine's cores.",
      choices=(GPU, CPU),
  )
  shared_input: bool = settings.flag(
      False,
      "Draw all towers' batches from one shuffling queue instead of one per "
      'tower.',
  )

  def __post_init__(self) -> None:
    super().__post_init__()
    if self.deterministic and self.shared_input:
      raise errors.UsageError(
          'towers with a shared input draw batches in any order, so a run is '
          'not reproducible: omit --shared_input or --deterministic'
      )


@dataclasses.dataclass(frozen=True, kw_only=True)
class DistributedTrain(SeveralBatches, Training):
  """cifar10_distributed_train."""

  FIRST = (
      'job_name', 'task_index', 'ps_hosts', 'worker_hosts', 'sync',
      'replicas_to_aggregate', 'allow_remote', 'batch_size', 'data_dir',
      'train_dir', 'max_steps', 'dataset',
  )  # fmt: skip

  job_name: str | None = settings.flag(
      None,
      "This process's job. Default: the job set by TF_CONFIG.",
      choices=('ps', 'worker'),
  )
  task_index: int = settings.flag(0, "This process's index in its job's list.")
  ps_hosts: tuple[str, ...] = settings.flag(
      (), 'Comma-separated HOST:PORT of each parameter server.'
  )
  worker_hosts: tuple[str, ...] = settings.flag(
      (),
      'Comma-separated HOST:PORT of each worker; the first one is the chief.',
  )
  sync: bool = settings.flag(
      True,
      "Average the workers' gradients into one update, instead of applying "
      "each worker's gradients separately.",
  )
  replicas_to_aggregate: int | None = settings.flag(
      None,
      'Number of gradients averaged into an update with --sync. Default: the '
      'number of workers.',
      bounds=settings.Bounds(1, 65536, 'no cluster has more workers'),
  )
  connect_secs: float = settings.flag(
      60,
      'Seconds to wait for the other tasks at startup.',
      bounds=_UP_TO_A_WEEK,
  )
  ps_timeout_secs: float = settings.flag(
      30,
      'Seconds that a parameter server may be unreachable after the start.',
      bounds=settings.Bounds(1, _WEEK, 'one week'),
  )
  chief_timeout_secs: float = settings.flag(
      600,
      'Seconds that the chief may be unreachable after its first answer; then '
      'the other processes exit.',
      bounds=settings.Bounds(1, _WEEK, 'one week'),
  )
  allow_remote: bool = settings.flag(
      False,
      'Allow tasks on other machines. The protocol has no authentication: '
      'firewall the ports first.',
  )
  eval_dir: str | None = settings.flag(
      None,
      "The evaluator's directory for event files. Default: the directory that "
      'cifar10_eval chooses for --train_dir.',
      parse=paths.user_path,
  )

  def __post_init__(self) -> None:
    super().__post_init__()
    if self.replicas_to_aggregate is not None and not self.sync:
      raise errors.UsageError(
          'replicas_to_aggregate is %d, but with --sync=false each gradient is '
          'applied separately: omit one of the two' % self.replicas_to_aggregate
      )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Eval(Images, Checkpoint, Session):
  """cifar10_eval."""

  FIRST = (
      'data_dir', 'checkpoint_dir', 'eval_dir', 'dataset', 'model', 'run_once',
      'eval_interval_secs', 'averaged', 'views',
  )  # fmt: skip

  eval_dir: str | None = settings.flag(
      None,
      'Directory for event files. Default: %s for the default '
      '--checkpoint_dir, otherwise eval in --checkpoint_dir.' % EVAL_DIR,
      parse=paths.user_path,
  )
  eval_data: str = settings.flag(
      'test', 'Images to evaluate on.', choices=('test', 'train_eval')
  )
  eval_interval_secs: int = settings.flag(
      60 * 5,
      'Seconds between two checks for a new checkpoint.',
      bounds=_UP_TO_A_WEEK,
  )
  num_examples: int | None = settings.flag(
      None,
      'Number of images to score. Default: all images; with '
      '--count=historical, as many as the test set contains.',
      bounds=_IN_64_BITS,
  )
  run_once: bool = settings.flag(
      False, 'Evaluate the newest checkpoint once and exit.'
  )
  count: str = settings.flag(
      EXACT,
      'Score each image once, or draw full batches from a shuffling queue as '
      'in 2016.',
      choices=(EXACT, HISTORICAL),
  )
  views: int = settings.flag(
      1,
      'Number of views per image whose predictions are averaged: 1 (the '
      'middle), 5 (the four corners and the middle) or 10 (these and their '
      'mirror images).',
  )
  device: str = settings.flag(
      '',
      'Device of the network, for example /cpu:0 beside a trainer that uses '
      'the GPU. Default: TensorFlow chooses.',
  )

  def with_num_examples(self, records: int) -> 'Eval':
    """Returns these settings with num_examples set.

    Args:
      records: number of images in the files.  With EXACT, num_examples is at
        most this number.
    """
    wanted = self.num_examples
    if self.one_epoch:
      wanted = min(wanted or records, records)
    return dataclasses.replace(
        self,
        num_examples=wanted or self.dataset.num_examples_per_epoch_for_eval,
    )

  def __post_init__(self) -> None:
    super().__post_init__()
    errors.UsageError.raise_if(
        self.views not in NUM_VIEWS,
        f'views is {self.views}: it must be one of '
        f'{", ".join(map(str, NUM_VIEWS))}',
    )
    errors.UsageError.raise_if(
        self.views == 10 and not self.dataset.flip,
        'views is 10, which includes 5 mirror images, but data set '
        f'{self.dataset.name} must not be mirrored: choose --views=5',
    )
    errors.UsageError.raise_if(
        self.views > 1 and not self.one_epoch,
        f'views is {self.views}, but count {self.count!r} supports one view: '
        f'choose --count={EXACT}, or --views=1',
    )


def evaluator_of(config: DistributedTrain) -> Eval:
  """Converts the settings of a distributed run to those of its evaluator."""
  common = {f.name for f in dataclasses.fields(Eval)} & settings.fields(
      config
  ).keys()
  return Eval(
      checkpoint_dir=config.train_dir,
      **{name: getattr(config, name) for name in common},
  )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Predict(FastNetwork, Checkpoint):
  """cifar10_predict."""

  FIRST = ('checkpoint_dir', 'dataset', 'model', 'top_k', 'json')
  TAKES_ARGUMENTS = True

  top_k: int = settings.flag(
      3,
      'Number of classes to print per image, the most probable first.',
      bounds=settings.Bounds(1),
  )
  json: bool = settings.flag(
      False, 'Print one JSON object per image, each on its own line.'
  )
  batch_size: int = settings.flag(
      BATCH_SIZE,
      'Number of images to load and run at a time.',
      bounds=_IN_A_BATCH,
  )
  white: int = settings.flag(
      65535,
      'Value of white in 16-bit images: for example 4095 for a 12-bit camera, '
      'or 255 if only 8 bits are used.',
      bounds=settings.Bounds(1, 65535, 'a pixel has 16 bits'),
  )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Export(Checkpoint):
  """cifar10_export."""

  FIRST = (
      'checkpoint_dir', 'export_dir', 'format', 'dataset', 'model', 'averaged',
  )  # fmt: skip

  export_dir: str = settings.flag(
      '/tmp/cifar10_export',
      'Directory to create for the SavedModel, or for the file in another '
      'format.',
      parse=paths.user_path,
  )
  format: str = settings.flag(
      'saved_model',
      'Format: a SavedModel, a Keras 3 file, or a LiteRT (formerly TensorFlow '
      'Lite) file.',
      choices=('saved_model', 'keras', 'litert'),
  )
