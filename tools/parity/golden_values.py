"""Computes golden values of a training graph, from given weights and images."""

import numpy as np

from cifar10_compat import cifar10

# Machines sum in different orders and round differently.  Values may differ
# by this fraction of the largest number in a list.
TOLERANCE = 1e-4

# Steps at which the learning rate is read: around the first two decays.
_RATE_STEPS = (0, 136717, 136718, 273435, 273436)


def compute(training):
  """Computes the values to compare, from reproducible weights and images.

  Args:
    training: today_side.Today of the network, whose variables are overwritten.

  Returns:
    dict from a description to a list of floats.
  """
  graph = training.session.graph
  result = {}
  start = {
      key: _weights(n, training.variables[key].shape.as_list())
      for n, key in enumerate(sorted(training.gradients))
  }
  training.start(start)
  images, labels = _batch(training.images.shape.as_list())
  feed = {training.images: images, training.labels: labels}
  loss, logits, gradients = training.session.run(
      [
          training.loss,
          graph.get_tensor_by_name('softmax_linear/softmax_linear:0'),
          dict(training.gradients),
      ],
      feed,
  )
  result['loss'] = [loss]
  for n in range(3):
    result['logits of image %d' % n] = logits[n]
  for key, gradient in gradients.items():
    result['norm of the gradient of %s' % key] = [np.linalg.norm(gradient)]
    result['gradient of %s' % key] = _some(gradient)
  for _ in range(2):
    training.session.run(training.train_op, feed)
  after = training.read()
  for key in training.variables:
    # The average of a weight is skipped: it can include the weight before or
    # after the update.
    if key not in training.shadows.values():
      result[
          '%s after 2 steps'
          % ('step counter' if key == training.step_key else key)
      ] = _some(after[key])

  result.update(_rates(training, after))
  result.update(_standardized(training))
  # 9 digits distinguish any two float32.
  return {
      name: [float('%.9g' % v) for v in numbers]
      for name, numbers in result.items()
  }


def different(golden, found):
  """Compares two results of compute().

  Args:
    golden, found: dicts from compute().

  Returns:
    list of str, the differences above TOLERANCE.
  """
  found_different = []
  for name in sorted(set(golden) | set(found)):
    a, b = (
        np.array(side.get(name, []), np.float64) for side in (golden, found)
    )
    if a.shape != b.shape or not np.allclose(
        b, a, rtol=0, atol=TOLERANCE * np.abs(a).max(initial=0)
    ):
      found_different.append('%s: %s, not %s' % (name, list(b), list(a)))
  return found_different


def _rates(training, values):
  """Returns a dict from description to learning rate, for _RATE_STEPS.

  Args:
    training: today_side.Today, whose variables are overwritten.
    values: dict from key to array, for all variables.
  """
  graph = training.session.graph
  result = {}
  (rate,) = {
      op.inputs[1]
      for op in graph.get_operations()
      if op.type == 'ApplyGradientDescent'
  }
  for step in _RATE_STEPS:
    training.load(dict(values, **{training.step_key: step}))
    result['learning rate at step %d' % step] = [training.session.run(rate)]
  return result


def _standardized(training):
  """Returns some elements of an image that the graph has standardized."""
  graph = training.session.graph
  result = {}
  (standardized,) = [
      op
      for op in graph.get_operations()
      if op.name.endswith('per_image_standardization')
  ]
  image = graph.get_tensor_by_name(standardized.name + '/control_dependency:0')
  result['a standardized image'] = _some(
      training.session.run(
          standardized.outputs[0], {image: _image(image.shape.as_list())}
      )
  )
  return result


def _weights(n, shape):
  """Draws the n-th variable, scaled to keep the loss stable for two steps."""
  drawn = np.random.RandomState(n).standard_normal(shape)
  scale = 0.1 if len(shape) == 1 else 1 / np.sqrt(2 * np.prod(shape[:-1]))
  return (scale * drawn).astype(np.float32)


def _batch(shape):
  """Draws a batch with enough contrast for an effect in the norm layers."""
  images = 5 * np.random.RandomState(100).standard_normal(shape)
  labels = np.arange(shape[0]) % cifar10.NUM_CLASSES
  return images.astype(np.float32), labels.astype(np.int32)


def _image(shape):
  """Returns an image of values from 0 to 255, stepped along each dimension."""
  y, x, channel = np.indices(shape)
  return ((13 * y + 7 * x + 101 * channel) % 256).astype(np.float32)


def _some(array):
  """Returns at most five evenly spaced elements, from the first to the last."""
  flat = np.ravel(array)
  return flat[np.linspace(0, flat.size - 1, min(flat.size, 5)).astype(int)]
