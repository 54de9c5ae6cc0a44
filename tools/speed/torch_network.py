"""The tutorial's network in PyTorch, in idiomatic code.

The network does the same arithmetic as the tutorial's: the same layers, weight
decay on local3 and local4, gradient descent, and a moving average of each
variable.  Images are stored with channels last, PyTorch's faster layout on a
CPU.  PyTorch is not among the project's requirements; the benchmark skips
PyTorch if it is not installed.
"""

import importlib
import importlib.util

from . import fixed_values


def available():
  """Returns whether PyTorch can be imported."""
  return importlib.util.find_spec('torch') is not None


def make_network(torch):
  """Builds the network.

  Args:
    torch: the module torch.

  Returns:
    torch.nn.Sequential from float32 images of shape [n, 3, 24, 24], channels
    last, to logits of shape [n, 10], with the weights of
    fixed_values.weights().
  """
  nn = torch.nn

  class ChannelsLastFlatten(nn.Module):
    """Flattens the order height, width, channels, like the tutorial."""

    def forward(self, x):
      return x.permute(0, 2, 3, 1).flatten(1)

  def norm():
    # PyTorch divides alpha by the number of maps in the sum.
    return nn.LocalResponseNorm(9, alpha=0.001, beta=0.75, k=1.0)

  def pool():
    # ceil_mode pads only at the right and the bottom, like TensorFlow's SAME.
    return nn.MaxPool2d(3, 2, ceil_mode=True)

  layers = {
      'conv1': nn.Conv2d(3, 64, 5, padding=2),
      'conv2': nn.Conv2d(64, 64, 5, padding=2),
      'local3': nn.Linear(2304, 384),
      'local4': nn.Linear(384, 192),
      'softmax_linear': nn.Linear(192, 10),
  }
  values = fixed_values.weights()
  with torch.no_grad():
    for name, layer in layers.items():
      # Transpose to PyTorch's order of dimensions: out, in, height, width.
      weights = torch.from_numpy(values[name + '/weights'])
      order = (3, 2, 0, 1) if weights.dim() == 4 else (1, 0)
      layer.weight.copy_(weights.permute(order))
      layer.bias.copy_(torch.from_numpy(values[name + '/biases']))
  return nn.Sequential(
      layers['conv1'],
      nn.ReLU(),
      pool(),
      norm(),
      layers['conv2'],
      nn.ReLU(),
      norm(),
      pool(),
      ChannelsLastFlatten(),
      layers['local3'],
      nn.ReLU(),
      layers['local4'],
      nn.ReLU(),
      layers['softmax_linear'],
  ).to(memory_format=torch.channels_last)


def make_step(images, labels):
  """Builds the network and the function that trains it on one batch.

  Args:
    images, labels: arrays, see fixed_values.batch().

  Returns:
    Function without arguments that runs a step and returns the loss before its
    update, a float.
  """
  # Not an import statement, because the lock file does not list PyTorch.
  torch = importlib.import_module('torch')
  swa_utils = importlib.import_module('torch.optim.swa_utils')
  network = make_network(torch)
  decayed = [
      layer.weight
      for layer in network
      if isinstance(layer, torch.nn.Linear) and layer.out_features > 10
  ]
  optimizer = torch.optim.SGD(
      network.parameters(), lr=fixed_values.LEARNING_RATE
  )
  averages = swa_utils.AveragedModel(
      network,
      multi_avg_fn=swa_utils.get_ema_multi_avg_fn(
          fixed_values.MOVING_AVERAGE_DECAY
      ),
  )
  images = torch.from_numpy(images).permute(
      0, 3, 1, 2
  )  # The result has the channels-last layout.
  labels = torch.from_numpy(labels).long()

  def step():
    optimizer.zero_grad()
    loss = torch.nn.functional.cross_entropy(network(images), labels)
    for weights in decayed:
      loss = loss + fixed_values.WEIGHT_DECAY / 2 * weights.square().sum()
    loss.backward()
    optimizer.step()
    averages.update_parameters(network)
    return loss.item()

  return step
