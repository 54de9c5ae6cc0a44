r"""Starts all processes of a training run on this machine, and its evaluator.

  launch --eval FLAGS                      the trainer
  launch --towers=2 --eval FLAGS           the trainer with towers, one per GPU
  launch --ps=1 --workers=2 --eval FLAGS   parameter servers and workers

FLAGS are flags of the training program; the evaluator receives the flags that
it needs.  Each line of output starts with the name of the process.  If a
process fails, or on Ctrl-C, all processes are stopped: the trainer saves its
last step, and the same command resumes from that step.  When training ends, the
evaluator scores the last checkpoint.
"""

# Import first: the command line imports TensorFlow, which reads its log levels
# at load time.
from cifar10_compat.base import quiet  # noqa: F401  # isort: skip

import sys

from cifar10_compat import config as config_lib
from cifar10_compat.base import errors
from cifar10_compat.base import signals

from ..base import command_line
from ..base import processes
from ..base import supervision

# Maximum number of towers, or of processes of one kind; each uses half a
# gigabyte.
_MOST = 64
# Environment that hides the GPUs from a process, which would otherwise allocate
# GPU memory.
_NO_GPU = {'CUDA_VISIBLE_DEVICES': ''}


def lines_of(name, text):
  """Returns the lines that a process printed, without the process's name.

  Args:
    name: str, the name of a supervision.Task.
    text: str, the output of //tools:launch.
  """
  return ''.join(
      line + '\n'
      for who, _, line in (
          l.partition(supervision.SEPARATOR) for l in text.splitlines()
      )
      if who.strip() == name
  )


def training_tasks(flags, *, towers=None, ps=0, workers=0):
  """Lists the processes of a training run.

  Args:
    flags: list of str, the flags of the training program.
    towers: int, the number of towers of //cifar10_compat:multi_gpu_train, or
      None.
    ps, workers: int, the numbers of tasks of
      //cifar10_compat:distributed_train; both 0 for a single-process trainer.

  Returns:
    List of lists of supervision.Task, for supervision.supervise().
  """
  if not ps:
    module = 'cifar10_compat.cifar10_train'
    if towers:
      module = 'cifar10_compat.cifar10_multi_gpu_train'
      flags = ['--num_gpus=%d' % towers] + flags
    return [[supervision.Task('train', module, flags)]]
  addresses = processes.free_addresses(ps + workers)
  hosts = [
      '--ps_hosts=' + ','.join(addresses[:ps]),
      '--worker_hosts=' + ','.join(addresses[ps:]),
  ]
  return [
      [
          supervision.Task(
              '%s %d' % (job, i),
              'cifar10_compat.cifar10_distributed_train',
              hosts + ['--job_name=' + job, '--task_index=%d' % i] + flags,
              env,
          )
          for i in range(number)
      ]
      for job, number, env in (('ps', ps, _NO_GPU), ('worker', workers, {}))
  ]


def _parser():
  parser = command_line.Parser(
      prog='launch',
      description=__doc__,
  )
  parser.add_argument(
      '--towers',
      type=int,
      metavar='N',
      help='train with N towers in one process',
  )
  parser.add_argument(
      '--ps',
      type=int,
      default=0,
      metavar='N',
      help='with --workers: number of parameter servers',
  )
  parser.add_argument(
      '--workers',
      type=int,
      default=0,
      metavar='N',
      help='with --ps: number of workers; worker 0 is the chief',
  )
  parser.add_argument(
      '--eval',
      action='store_true',
      help='evaluate checkpoints as they appear, on the CPU',
  )
  parser.add_argument(
      '--eval_dir',
      metavar='DIR',
      help="directory for the evaluator's event files (default: as in "
      'cifar10_eval)',
  )
  parser.add_argument(
      '--eval_interval_secs',
      type=int,
      default=60,
      metavar='SECS',
      help='seconds between evaluations (default %(default)s)',
  )
  parser.add_argument(
      '--train_dir',
      default=config_lib.TRAIN_DIR,
      metavar='DIR',
      help='directory for checkpoints and event files (default %(default)s)',
  )
  for name, what in (
      ('data_dir', 'directory above the images'),
      ('data_url', 'mirrors from which to download the images'),
      ('dataset', 'the image set'),
      ('model', 'the network'),
  ):
    parser.add_argument('--' + name, help=what + ', as for the trainer')
  parser.add_argument(
      '--fast',
      action='store_true',
      help='use faster ops and input in all processes',
  )
  return parser


@command_line.program('launch')
def main(argv):
  args, flags = _parser().parse_known_args(argv)
  if (
      args.ps < 0
      or bool(args.ps) != bool(args.workers)
      or (args.towers is not None and (args.ps or args.towers < 1))
  ):
    raise errors.UsageError(
        '--towers=%s --ps=%d --workers=%d: specify either --towers, or at '
        'least one ps and one worker, or none of the three flags'
        % (args.towers, args.ps, args.workers)
    )
  for name in ('towers', 'ps', 'workers'):
    if (getattr(args, name) or 0) > _MOST:
      raise errors.UsageError(
          '--%s=%d: it must be at most %d, since all processes run on '
          'this machine' % (name, getattr(args, name), _MOST)
      )
  if flags[:1] == ['--']:
    del flags[0]
  train_dir = command_line.path(args.train_dir)
  shared = [
      '--%s=%s' % (name, getattr(args, name))
      for name in ('data_dir', 'data_url', 'dataset', 'model')
      if getattr(args, name)
  ]
  if args.fast:
    shared.append('--fast')
  evaluator = _evaluator(args, shared)
  with signals.stop_on_signals() as stop:
    code = supervision.supervise(
        training_tasks(
            shared + ['--train_dir=' + train_dir] + flags,
            towers=args.towers,
            ps=args.ps,
            workers=args.workers,
        ),
        stop,
        watchers=[evaluator] if args.eval else [],
    )
    if args.eval and not code:
      # Score the last checkpoint, which can be newer than the last scored
      # checkpoint.
      code = supervision.supervise(
          [[evaluator._replace(args=evaluator.args + ['--run_once'])]], stop
      )
  return code


def _evaluator(args, shared):
  """Returns the evaluator's Task; `shared` are the flags to pass to it."""
  return supervision.Task(
      'eval',
      'cifar10_compat.cifar10_eval',
      shared
      + [
          '--checkpoint_dir=' + command_line.path(args.train_dir),
          '--device=/cpu:0',
          '--eval_interval_secs=%d' % args.eval_interval_secs,
      ]
      + (
          ['--eval_dir=' + command_line.path(args.eval_dir)]
          if args.eval_dir
          else []
      ),
      _NO_GPU,
  )


if __name__ == '__main__':
  sys.exit(main())
