"""The two sides of a comparison, and what each of them is asked.

The *original* is an unmodified edition of the tutorial, on today's TensorFlow or,
in an interpreter of its own, on one of the time (old_side.py).  The *port* is this
project, always on today's.  Both answer the same questions, so that a comparison
is written once and takes two sides.
"""

import abc
from collections.abc import Iterable, Iterator
import contextlib
import os
from typing import NamedTuple, Optional

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_compat.training import checkpoints

from ..base import processes
from ..base import training_graph
from ..editions import historical_graph
from ..editions import old_scripts
from ..editions import scripts
from . import batches
from . import distortions

# The formats of a checkpoint.
FORMATS = ('V1', 'V2')
LOGITS = 'activation: softmax_linear/softmax_linear'

_UNRESTORED = 77
_LOSS = 'loss: total_loss'


class Look(NamedTuple):
  """A step that an original took, and notes of it.

  Attributes:
    step: how many steps were taken before it.
    start: the checkpoint that the port is to begin with; '' where it goes on.
    tries: (batch, what the step on it noted), of which one is to be compared:
      the first on which both sides decide alike.
  """

  step: int
  start: str
  tries: Iterable[tuple[batches.Batch, dict[str, np.ndarray]]]


class Side(abc.ABC):
  """One side of a comparison.

  Attributes:
    source: the directory of the unmodified files; '' for the port.
    edition: of the source; None for the port.
    data_dir: the directory above cifar-10-batches-bin.
    runtime: the version of a TensorFlow of the time; None for today's.
    steps: how many steps it trains.
    keys: of its variables.
    marked: from key to values that tell every variable, and every element, from
      others; it has a checkpoint of them in each format.
    tags: of its summaries.
  """

  source: str = ''
  edition: Optional[scripts.Edition] = None
  data_dir: str = ''
  runtime: Optional[str] = None
  steps: int = 0
  keys: Iterable[str]
  marked: dict[str, np.ndarray]
  tags: frozenset[str]

  @property
  def where(self) -> str:
    """What a title says about the TensorFlow it runs on."""
    return ' on TensorFlow ' + self.runtime if self.runtime else ''

  def program(self, script: str) -> tuple[str, list[str]]:
    """Returns the module of a script, and arguments before the script's own.

    Args:
      script: one of scripts.SCRIPTS.
    """
    if not self.source:
      return 'cifar10_compat.' + script, []
    return processes.tool('editions.scripts'), old_scripts.arguments(
        self.source, script, self.runtime
    )

  @abc.abstractmethod
  def saved(self, form: str) -> str:
    """Returns the path of a checkpoint of `marked`, in one of FORMATS."""

  @abc.abstractmethod
  def restored(
      self, form: str, path: str, names: dict[str, str]
  ) -> dict[str, np.ndarray]:
    """Restores the other side's checkpoint of what it has marked.

    Args:
      form: its format.
      path: of the checkpoint.
      names: from keys of this side to those in the checkpoint.

    Returns:
      From key to what became of the variable.
    """

  @abc.abstractmethod
  def looks(self) -> Iterator[Look]:
    """Takes the steps that are compared, which the port follows."""

  @abc.abstractmethod
  def leave(self, directory: str, steps: int) -> str:
    """Leaves a checkpoint of the values after the training, as a trainer does.

    Args:
      directory: is made.
      steps: how long the training was.

    Returns:
      directory.
    """

  @abc.abstractmethod
  def draw(
      self, data_dir: str, count: int
  ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draws distorted images through its own queues.

    Args:
      data_dir: where these read.
      count: how many images, at least.

    Returns:
      (images, labels, brightness): float32 of shape [n, 24, 24, 3], int32 of
      shape [n], and float32 of shape [m], what is added to an image.

    Raises:
      UsageError: its input cannot be run, or does not change brightness before
        contrast.
    """


class Today(training_graph.Training, Side):
  """Either side on today's TensorFlow: a session on its graph, on one thread.

  TensorFlow 2's behavior must be off.
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
      meta_graph: of training_graph.export(), on data_dir.
      data_dir: the directory above cifar-10-batches-bin.
      directory: exists; gets checkpoints.
      source: the directory of the unmodified files; '' for the port.
      edition: of the source.
      steps: how many to take.

    Raises:
      UsageError: the graph does not say where its parts are.
    """
    super().__init__(meta_graph)
    self.meta_graph = meta_graph
    self.data_dir = data_dir
    self.source, self.edition, self.steps = source, edition, steps
    self._directory = directory
    self._saved: dict[str, str] = {}
    # Each side has values of its own.
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
    """Runs the merged summaries; the values are kept."""
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
    # Histograms of gradients update the averages of the losses.
    self.load(values)
    return frozenset(tags)

  def save(self, form: str, path: str) -> str:
    """Saves a checkpoint, with the graph's own saver where that has this format.

    Args:
      form: one of FORMATS.
      path: of the checkpoint.

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
    """Restores a checkpoint, by the graph's own saver where that fits.

    Only the step counter may have another type, of integer.  A variable that the
    checkpoint lacks, or has of another shape, becomes 77.

    Args:
      path: of the checkpoint.
      names: from key to the name in the checkpoint.
    """
    # Nothing from before may pass for restored.
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
    del form  # A reader tells.
    self.restore(path, names)
    return self.read()

  def start(self, weights: dict[str, np.ndarray]) -> None:
    """Loads initial values: averages are the weights, all else is zero."""
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
      yield Look(step, '' if step else path, [(batch, self.observe(*batch))])

  def observe(
      self, images: np.ndarray, labels: np.ndarray, names: Iterable[str] = ()
  ) -> dict[str, np.ndarray]:
    """Takes a step, and notes what it computed.

    Args:
      images, labels: the batch.
      names: of activations and losses to be noted too, such as
        "activation: norm1"; those that the graph lacks are left out.

    Returns:
      From "loss: total_loss", "gradient: KEY", "before: KEY" and "after: KEY",
      and such of `names`, to arrays.
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
    # AddN adds into an addend that nobody else still needs, and begins with it,
    # so that the last bit of a sum of three would depend on what has run before
    # it.  Addends that are fetched are needed to the end.
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
      path, names: as of restore().
      drawn: a batch for each step.

    Returns:
      The loss of each step, and the largest absolute value of a logit in the
      first.
    """
    self.restore(path, names)
    losses, largest = [], 0.0
    for images, labels in drawn:
      if losses:
        feed = {self.images: images, self.labels: labels}
        loss, _ = self.session.run([self.loss, self.train_op], feed)
      else:
        noted = self.observe(images, labels, [LOGITS])
        loss, largest = noted[_LOSS], float(np.abs(noted[LOGITS]).max())
      losses.append(float(loss))
    return losses, largest

  def leave(self, directory, steps):
    os.mkdir(directory)
    self.save('V2', checkpoint_name(directory, steps))
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


def checkpoint_name(directory: str, steps: int) -> str:
  """Returns a trainer's name of a checkpoint; evaluators read the step in it."""
  return os.path.join(directory, '%s-%d' % (checkpoints.BASENAME, steps))


def _marked(training, seed):
  """Returns values that tell every variable, and every element, from others."""
  random = np.random.RandomState(seed)
  values = {}
  for key, variable in sorted(training.variables.items()):
    drawn = random.standard_normal(variable.shape.as_list())
    values[key] = np.asarray(drawn, variable.dtype.base_dtype.as_numpy_dtype)
  step = values[training.step_key]
  values[training.step_key] = np.asarray(seed, step.dtype)
  return values
