"""The networks that --model chooses from."""

from typing import Callable, NamedTuple

from cifar10_compat import cifar10
from cifar10_compat import cifar10_local
from cifar10_compat import errors


class Model(NamedTuple):
  """One network."""
  name: str  # what --model calls it
  inference: Callable[..., object]  # of images, num_classes: returns logits


CIFAR10 = Model('cifar10', cifar10.inference)
CONV_LOCAL = Model('conv_local', cifar10_local.inference)

MODELS = {model.name: model for model in (CIFAR10, CONV_LOCAL)}


def get(name):
  """Returns the Model called `name`.

  Raises:
    UsageError: there is none of that name.
  """
  if name not in MODELS:
    raise errors.UsageError('no model is called %r: choose one of %s' %
                            (name, ', '.join(sorted(MODELS))))
  return MODELS[name]
