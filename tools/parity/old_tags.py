"""Compares the tags that a TensorFlow of the time wrote with ours."""

import tensorflow.compat.v1 as tf

from ..base import event_files
from . import curves
from . import exemptions
from . import mapping
from . import report


def ours(training, images, labels):
  """Returns the event_files.Run of our summaries, with their tags alone.

  Args:
    training: training_graph.Training of ours, which has its values.
    images, labels: arrays, a batch.
  """
  graph = training.session.graph
  (merged,) = [op for op in graph.get_operations() if op.type == 'MergeSummary']
  summary = tf.Summary.FromString(
      training.session.run(
          merged.outputs[0],
          {training.images: images, training.labels: labels},
      )
  )
  return event_files.Run({}, {}, frozenset(v.tag for v in summary.value))


def section(version, answer, training, tags):
  """Compares the tags of an event file of theirs with those of our summaries.

  Args:
    version: str, of the TensorFlow of the time.
    answer: old_answers.Answer.
    training: training_graph.Training of ours, which has its values.
    tags: sequence of graph_diff.Renames; '' where one side has no such tag.

  Returns:
    A section of the report.
  """
  theirs = event_files.read(answer.directory)
  summaries = ours(training, *answer.looked_at(1)[0])
  found = curves.compare(theirs, summaries, tags)
  return report.section(
      'Tags of TensorFlow %s' % version,
      len(found.unmatched) + len(found.stale),
      text=[
          'An event file that theirs wrote has %d tags, and our summaries have '
          '%d. %d are listed because they have another name or one side alone '
          'has them; %d have no reason, and %d listed ones do not apply.'
          % (
              len(theirs.tags),
              len(summaries.tags),
              len(found.renamed),
              len(found.unmatched),
              len(found.stale),
          )
      ],
      tables=[
          report.table(
              'Tags that nothing explains', ('tag', 'in'), found.unmatched
          ),
          report.table(
              'Listed tags that do not apply',
              ('theirs', 'ours', 'reason'),
              found.stale,
          ),
          report.table(
              'Tags under another name',
              ('theirs', 'ours', 'reason'),
              [
                  (r.theirs or '(none)', r.ours or '(none)', r.reason)
                  for r in found.renamed
              ],
          ),
      ],
  )


def listed(edition, version):
  """Returns the Renames of an edition's tags on a TensorFlow of the time.

  Args:
    edition: str, the name of a scripts.Edition.
    version: str.
  """
  if version == '0.12.1':
    found = mapping.load('on_0.12.1').tags
    return found + (
        mapping.load('0.12.1').tags if edition == 'tensorflow 0.12.1' else ()
    )
  # What its session counts, theirs alone, is no summary of the graph.
  return tuple(
      rename
      for rename in exemptions.TAGS.get(edition, ())
      if rename.theirs != 'global_step/sec'
  )
