"""Compares ours, on today's TensorFlow, with an edition on one of the time."""

import tempfile

from . import old_answers
from . import old_checkpoints
from . import old_keys
from . import old_step
from . import old_tags
from . import training_graph


def make_sections(
    source, environment, edition, data_dir, *, steps, our_meta_graph
):
  """Makes the sections on one TensorFlow of the time.

  TensorFlow 2's behavior must be off.

  Args:
    source: str, the directory of the unmodified files.
    environment: environments.Environment.
    edition: scripts.Edition of the source.
    data_dir: str, the directory above cifar-10-batches-bin.
    steps: int, at least 1: how long to train before the second look.
    our_meta_graph: MetaGraphDef of ours.

  Returns:
    list of sections of the report.

  Raises:
    UsageError: the edition cannot be trained there.
  """
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
    return [
        old_checkpoints.section(version, answer, values, training, keys),
        old_step.section(version, answer, training, keys),
        old_tags.section(
            version, answer, training, old_tags.listed(edition.name, version)
        ),
    ]
