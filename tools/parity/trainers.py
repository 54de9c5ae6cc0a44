"""Compares the graphs of the other trainers with the graph of cifar10_train.

For these trainers, there is no historical graph to compare with: v0.7.0's
towers do not run on today's TensorFlow without bridges, and v0.7.0 has no
distributed trainer.  Each trainer's graph is therefore compared, op by op, with
the graph of cifar10_train, using a mapping in mappings/ that lists every
renamed op and every intended difference, with reasons.
"""

import functools

from cifar10_compat import cifar10_distributed_train
from cifar10_compat import cifar10_multi_gpu_train
from cifar10_compat import config as config_lib
from cifar10_compat.base import errors
from cifar10_compat.distributed import cluster as cluster_lib

from ..base import processes
from ..base import training_graph

# The trainers, each named like its mapping file in mappings/.
MULTI_GPU = 'multi_gpu_train'
SYNCHRONOUS = 'distributed_train'
ASYNCHRONOUS = 'distributed_train_async'
TRAINERS = (MULTI_GPU, SYNCHRONOUS, ASYNCHRONOUS)


def build(name, data_dir):
  """Returns the graph that one of the port's other trainers builds.

  Args:
    name: str, one of TRAINERS.
    data_dir: str, the parent directory of cifar-10-batches-bin.

  Returns:
    GraphDef with one tower, or the GraphDef of a chief without other workers.
  """
  if name == MULTI_GPU:
    meta_graph = training_graph.capture(
        cifar10_multi_gpu_train.train,
        config_lib.MultiGpuTrain(data_dir=data_dir),
    )
  else:
    ps, worker = processes.free_addresses(2)
    cluster = cluster_lib.from_flags(
        'worker', 0, ps_hosts=[ps], worker_hosts=[worker]
    )
    server = cluster_lib.start_server(cluster._replace(job='ps'))
    meta_graph = training_graph.capture(
        functools.partial(cifar10_distributed_train.train, cluster, _stalled),
        config_lib.DistributedTrain(
            data_dir=data_dir, sync=name == SYNCHRONOUS
        ),
    )
    del server  # Keep the server running until the graph is complete.
  return meta_graph.graph_def


def _stalled(code, message):
  raise errors.UsageError(
      'the distributed trainer did not reach its first step (exit code %d): %s'
      % (code, message)
  )
