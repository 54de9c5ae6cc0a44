"""Compares ours, on today's TensorFlow, with an edition on one of the time."""

import os
import tempfile
from typing import NamedTuple

from ..base import training_graph
from . import old_answers
from . import old_checkpoints
from . import old_evaluators
from . import old_input
from . import old_keys
from . import old_losses
from . import old_spread
from . import old_step
from . import old_tags
from . import old_times


class Sizes(NamedTuple):
  """How much is compared; 0 leaves a section out, except of steps."""

  runtime_steps: int = 200  # of the training before the second look
  runtime_images: int = 4096  # from either input, of each kind of files
  spread_runs: int = 2  # of each side
  spread_steps: int = 50  # the last step of each, a multiple of 10
  time_rounds: int = 0


def make_sections(
    source, environment, edition, data_dir, *, sizes, our_meta_graph
):
  """Makes the sections on one TensorFlow of the time.

  TensorFlow 2's behavior must be off.

  Args:
    source: str, the directory of the unmodified files.
    environment: environments.Environment.
    edition: scripts.Edition of the source.
    data_dir: str, the directory above cifar-10-batches-bin.
    sizes: Sizes.
    our_meta_graph: MetaGraphDef of ours.

  Returns:
    list of sections of the report.

  Raises:
    UsageError: the edition cannot be trained there.
  """
  version = environment.runtime.version
  found = _training_sections(
      source,
      environment,
      edition,
      data_dir,
      steps=sizes.runtime_steps,
      our_meta_graph=our_meta_graph,
  )
  if sizes.runtime_images:
    found.append(
        old_input.section(
            source,
            environment,
            edition,
            data_dir,
            count=sizes.runtime_images,
            our_meta_graph=our_meta_graph,
        )
    )
  if sizes.spread_runs:
    runs = old_spread.train(
        source,
        data_dir,
        version=version,
        edition=edition,
        runs=sizes.spread_runs,
        steps=sizes.spread_steps,
    )
    found.append(
        old_spread.section(version, old_spread.model_of(edition), *runs)
    )
  if sizes.time_rounds:
    times = old_times.measure(
        source, data_dir, version=version, rounds=sizes.time_rounds
    )
    found.append(old_times.section(version, times))
  return found


def _training_sections(
    source, environment, edition, data_dir, *, steps, our_meta_graph
):
  """Returns the sections that are made of one training of each side."""
  version = environment.runtime.version
  with (
      tempfile.TemporaryDirectory() as scratch,
      training_graph.Training(our_meta_graph) as training,
  ):
    answer, values = old_answers.ask(
        source,
        environment,
        edition,
        data_dir,
        steps=steps,
        training=training,
        scratch=scratch,
    )
    keys = old_keys.match(
        answer.keys, training.variables, step_key=training.step_key
    )
    found = [
        old_checkpoints.section(version, answer, values, training, keys),
        old_step.section(version, answer, training, keys),
        old_tags.section(
            version, answer, training, old_tags.listed(edition.name, version)
        ),
    ]
    losses, largest = old_losses.train(answer, training, keys)
    found.append(old_losses.section(version, answer, losses, largest))
    return found + old_evaluators.sections(
        version,
        source,
        data_dir,
        their_dir=old_evaluators.save_theirs(
            answer, os.path.join(scratch, 'of-theirs')
        ),
        our_dir=old_evaluators.save_ours(
            training, steps, os.path.join(scratch, 'of-ours')
        ),
    )
