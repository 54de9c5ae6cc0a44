"""Runs one side of a comparison on today's TensorFlow."""

from collections.abc import Iterable
import contextlib
import os
from typing import Optional

import numpy as np
import tensorflow.compat.v1 as tf

from ..base import training_graph
from ..editions import historical_graph
from ..editions import scripts
from . import batches
from . import distortions
from . import sides

_UNRESTORED = 77
_LOSS = 'loss: total_loss'


class Today(training_graph.Training, sides.Side):
  """A side on today's TensorFlow: a single-threaded session on a graph.

  TensorFlow 2 behavior must be disabled.
  """

  def __init__(
      self,
      meta_graph: tf.MetaGraphDef,
      *,
      data_dir: str = '',
      directory: str = '',
      source: str = '',
      edition: Optional[scripts.Edition] = None,
      steps: int = 0,
  ):
    """Imports a training graph.

    Args:
      meta_graph: from training_graph.export(), for a graph that reads data_dir.
      data_dir: the parent directory of cifar-10-batches-bin.
      directory: an existing directory for checkpoints.
      source: the directory of the unmodified files; '' for the port.
      edition: the edition of the source.
      steps: the number of steps to take.

    Raises:
      UsageError: the graph was not made by training_graph.export().
    """
    super().__init__(meta_graph)
    self.meta_graph = meta_graph
    self.data_dir = data_dir
    self.source, self.edition, self.steps = source, edition, steps
    self._directory = directory
    self._saved: dict[str, str] = {}
    # The offset gives each side different values.
    self.marked = _marked(self, batches.SEED + (not source))

  @classmethod
  def original(cls, source, edition, data_dir, *, directory, steps):
    """Returns an unmodified edition; see __init__(); raises UsageError."""
    return cls(
        historical_graph.build_apart(source, data_dir),
        data_dir=data_dir,
        directory=directory,
        source=source,
        edition=edition,
        steps=steps,
    )

  @classmethod
  def port(cls, data_dir, *, directory, **kwargs):
    """Returns the port; see __init__().

    Args:
      data_dir, directory: str.
      **kwargs: settings of config.Train.
    """
    return cls(
        training_graph.ours(data_dir, **kwargs),
        data_dir=data_dir,
        directory=directory,
    )

  @property
  def keys(self):
    return self.variables

  @property
  def tags(self):
    """The tags of the merged summaries; the variables keep their values."""
    values = self.read()
    shape = self.images.shape.as_list()
    feed = {self.images: np.zeros(shape), self.labels: np.zeros(shape[:1])}
    operations = self.session.graph.get_operations()
    tags = {
        value.tag
        for op in operations
        if op.type == 'MergeSummary'
        for value in tf.Summary.FromString(
            self.session.run(op.outputs[0], feed)
        ).value
    }
    # Restore the variables, because the gradient histograms update the loss
    # averages.
    self.load(values)
    return frozenset(tags)

  def save(self, form: str, path: str) -> str:
    """Saves a checkpoint, with the graph's saver if the saver uses this format.

    Args:
      form: one of sides.FORMATS.
      path: the path of the checkpoint.

    Returns:
      path.
    """
    saver, version = self.saver, getattr(tf.train.SaverDef, form)
    if saver.saver_def.version != version:
      with self.session.graph.as_default():
        saver = tf.train.Saver(self.variables, write_version=version)
    return saver.save(self.session, path, write_meta_graph=False)

  def saved(self, form):
    if form not in self._saved:
      self.load(self.marked)
      path = os.path.join(
          self._directory,
          '%s-%s' % ('original' if self.source else 'port', form),
      )
      self._saved[form] = self.save(form, path)
    return self._saved[form]

  def restore(self, path: str, names: dict[str, str]) -> None:
    """Restores a checkpoint, with the graph's own saver if possible.

    The step counter can have another integer type in the checkpoint.  The
    elements of a variable that is missing from the checkpoint, or has another
    type or shape there, become 77.

    Args:
      path: the path of the checkpoint.
      names: dict from key to the name in the checkpoint.
    """
    # Overwrite the values, so that no old value can be mistaken for a restored
    # value.
    self.load(
        {
            key: np.full(
                v.shape.as_list(),
                _UNRESTORED,
                v.dtype.base_dtype.as_numpy_dtype,
            )
            for key, v in self.variables.items()
        }
    )
    reader = tf.train.NewCheckpointReader(path)
    shapes = reader.get_variable_to_shape_map()
    types = reader.get_variable_to_dtype_map()
    fitting = {
        name: self.variables[key]
        for key, name in names.items()
        if shapes.get(name) == self.variables[key].shape.as_list()
        and types[name] == self.variables[key].dtype.base_dtype
    }
    if set(fitting) == set(self.variables) and all(
        key == name for key, name in names.items()
    ):
      self.saver.restore(self.session, path)
      return
    with self.session.graph.as_default():
      tf.train.Saver(fitting).restore(self.session, path)
    step = names.get(self.step_key)
    if step and step not in fitting:
      assign = self.variables[self.step_key].initializer
      self.session.run(assign, {assign.inputs[1]: reader.get_tensor(step)})

  def restored(self, form, path, names):
    del form  # The reader detects the format.
    self.restore(path, names)
    return self.read()

  def start(self, weights: dict[str, np.ndarray]) -> None:
    """Loads initial values: averages equal the weights; the rest is 0."""
    values = {
        key: np.zeros(v.shape.as_list(), v.dtype.base_dtype.as_numpy_dtype)
        for key, v in self.variables.items()
    }
    values.update(weights)
    for key, shadow in self.shadows.items():
      values[shadow] = weights[key]
    self.load(values)

  def looks(self):
    self.start(training_graph.initial_values(batches.SEED))
    path = self.save('V2', os.path.join(self._directory, 'start'))
    for step, batch in enumerate(batches.draw(self.data_dir, self.steps)):
      yield sides.Look(
          step, '' if step else path, [(batch, self.observe(*batch))]
      )

  def observe(
      self, images: np.ndarray, labels: np.ndarray, names: Iterable[str] = ()
  ) -> dict[str, np.ndarray]:
    """Takes a step and returns its results.

    Args:
      images, labels: the batch.
      names: other activations and losses to return, such as "activation:
        norm1"; names that the graph lacks are skipped.

    Returns:
      A dict from "loss: total_loss", "gradient: KEY", "before: KEY", "after:
      KEY" and `names` to arrays.
    """
    tensors = {}
    for name in names:
      kind, _, key = name.partition(': ')
      if kind in ('activation', 'loss'):
        with contextlib.suppress(KeyError):
          tensors[name] = self.session.graph.get_tensor_by_name(key + ':0')
    tensors[_LOSS] = self.loss
    for key, gradient in self.gradients.items():
      tensors['gradient: ' + key] = gradient
    before = self.read()
    # AddN reuses the buffer of a term that no other op still needs, and starts
    # with that term.  The last bit of a sum of three terms would then depend on
    # the order in which ops ran.  Fetching the terms prevents this reuse.
    found, _, _ = self.session.run(
        [tensors, self.train_op, list(self.loss.op.inputs)],
        {self.images: images, self.labels: labels},
    )
    for when, values in (('before', before), ('after', self.read())):
      for key, value in values.items():
        found['%s: %s' % (when, key)] = value
    return found

  def train(
      self,
      path: str,
      names: dict[str, str],
      drawn: Iterable[batches.Batch],
  ) -> tuple[list[float], float]:
    """Trains from a checkpoint.

    Args:
      path, names: see restore().
      drawn: one batch per step.

    Returns:
      The loss of each step, and the largest absolute logit of the first step.
    """
    self.restore(path, names)
    losses, largest = [], 0.0
    for images, labels in drawn:
      if losses:
        feed = {self.images: images, self.labels: labels}
        loss, _ = self.session.run([self.loss, self.train_op], feed)
      else:
        noted = self.observe(images, labels, [sides.LOGITS])
        loss, largest = noted[_LOSS], float(np.abs(noted[sides.LOGITS]).max())
      losses.append(float(loss))
    return losses, largest

  def leave(self, directory, steps):
    os.mkdir(directory)
    self.save('V2', sides.checkpoint_name(directory, steps))
    return directory

  def draw(self, data_dir, count):
    if data_dir == self.data_dir:
      meta_graph = self.meta_graph
    elif self.source:
      meta_graph = historical_graph.build_apart(self.source, data_dir)
    else:
      meta_graph = training_graph.ours(data_dir)
    return (
        *distortions.draw(meta_graph, count),
        distortions.brightness(meta_graph, count),
    )


def _marked(training, seed):
  """Returns values for all variables, in which all elements are distinct."""
  random = np.random.RandomState(seed)
  values = {}
  for key, variable in sorted(training.variables.items()):
    drawn = random.standard_normal(variable.shape.as_list())
    values[key] = np.asarray(drawn, variable.dtype.base_dtype.as_numpy_dtype)
  step = values[training.step_key]
  values[training.step_key] = np.asarray(seed, step.dtype)
  return values
