"""Compares the distorted images of a TensorFlow of the time with ours."""

import os
import tempfile

import numpy as np

from ..base import training_graph
from ..editions import calls
from ..editions import old_scripts
from . import coded_images
from . import distortions


def draw(source, environment, edition, data_dir, *, count):
  """Draws from an edition's own queues there.

  Args:
    source: str, the directory of the unmodified files.
    environment: environments.Environment.
    edition: scripts.Edition of the source.
    data_dir: str, the directory above cifar-10-batches-bin.
    count: int, how many images, at least.

  Returns:
    dict of arrays: images, labels, and brightness, what is added to an image.

  Raises:
    UsageError: it failed there; its last line is in the message.
  """
  with tempfile.TemporaryDirectory() as scratch:
    prepared = os.path.join(scratch, 'data')
    old_scripts.prepare(data_dir, prepared)
    calls.call(
        environment,
        'distorted',
        {
            'source': os.path.abspath(source),
            'package': edition.package,
            'data_dir': prepared,
            'count': count,
            'out': scratch,
        },
        scratch=scratch,
        what='--runtime=%s: the input of %s cannot be run'
        % (environment.runtime.version, edition.name),
    )
    with np.load(os.path.join(scratch, 'drawn.npz')) as f:
      return {name: f[name] for name in f.files}


def section(source, environment, edition, data_dir, *, count, our_meta_graph):
  """Compares what both pipelines draw, as distributions.

  TensorFlow 2's behavior must be off.

  Args:
    source: str, the directory of the unmodified files.
    environment: environments.Environment.
    edition: scripts.Edition of the source.
    data_dir: str, the directory above cifar-10-batches-bin.
    count: int, how many images of each side, at least.
    our_meta_graph: MetaGraphDef of ours, on data_dir.

  Returns:
    A section of the report.

  Raises:
    UsageError: it failed there.
  """
  with tempfile.TemporaryDirectory() as coded:
    coded_images.write(coded)
    on_coded, on_real = (
        draw(source, environment, edition, directory, count=count)
        for directory in (coded, data_dir)
    )
    ours = distortions.sample(our_meta_graph, training_graph.ours(coded), count)
  theirs = distortions.sampled(
      (on_coded['images'], on_coded['labels']),
      on_real['brightness'],
      (on_real['images'], on_real['labels']),
  )
  return distortions.section(
      distortions.compare(theirs, ours),
      title='Input of TensorFlow %s' % environment.runtime.version,
  )
