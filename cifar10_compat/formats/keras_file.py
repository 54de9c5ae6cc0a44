"""A network as a file of Keras 3, made of what Keras itself has.

Only layers of keras.layers and functions of keras.ops are in it, so that Keras
loads it in its safe mode, and without this package.
"""

from collections.abc import Mapping, Sequence
import json
from typing import TYPE_CHECKING
import zipfile

import numpy as np
import tensorflow as tf

from cifar10_compat.base import errors

if TYPE_CHECKING:
  import keras

# In the archive.
CLASS_NAMES = 'class_names.json'

# tf.nn.lrn's of the tutorial.
_RADIUS = 4
_BIAS = 1.0
_ALPHA = 0.001 / 9.0
_BETA = 0.75

# Of the patches that a locally connected layer sees.
_PATCH_SIZE = 3


def write(
    path: str,
    weights: Mapping[str, np.ndarray],
    *,
    image_size: int,
    crop_size: int,
    class_names: Sequence[str],
) -> None:
  """Writes a .keras file.

  Its model takes images, uint8 [n, image_size, image_size, 3], crops and
  standardizes them as the evaluator does, and returns a dict of logits and
  probabilities, both float32 [n, number of classes].

  Args:
    path: ends with .keras.
    weights: the values of the variables of a network in models.py by name.
    image_size, crop_size: pixels.
    class_names: of the classes, in the order of the logits.  A model of Keras has
      no place for texts: they are in the archive that the file is, as
      class_names.json.

  Raises:
    UsageError: Keras is an older one, or cannot work in this process.
    OSError: the file cannot be written.
  """
  _model(weights, image_size, crop_size).save(path)
  with zipfile.ZipFile(path, 'a') as archive:
    archive.writestr(CLASS_NAMES, json.dumps(list(class_names)))


def _model(
    weights: Mapping[str, np.ndarray], image_size: int, crop_size: int
) -> 'keras.Model':
  """Returns the model of weights; raises UsageError."""
  # It takes a second to load, and no other format needs it.
  import keras

  errors.UsageError.raise_if(
      int(keras.__version__.partition('.')[0]) < 3,
      '--format=keras needs Keras 3, which comes with TensorFlow 2.16 and '
      f'later; this is Keras {keras.__version__}',
  )
  errors.UsageError.raise_if(
      not tf.executing_eagerly(),
      'Keras 3 needs eager execution, which is off in this process: turn off '
      'resource variables alone, instead of all of version 2',
  )

  layers, ops = keras.layers, keras.ops
  band = np.arange(weights['conv2/weights'].shape[2])
  band = np.abs(band[:, np.newaxis] - band) <= _RADIUS

  def standardize(x: 'keras.KerasTensor') -> 'keras.KerasTensor':
    """Does what tf.image.per_image_standardization() does."""
    mean = ops.mean(x, (1, 2, 3), keepdims=True)
    deviation = ops.std(x, (1, 2, 3), keepdims=True)
    least = 1 / float(np.sqrt(np.prod(x.shape[1:])))
    return (x - mean) / ops.maximum(deviation, least)

  def conv(name: str, x: 'keras.KerasTensor') -> 'keras.KerasTensor':
    height, width, _, maps = weights[name + '/weights'].shape
    return layers.Conv2D(
        maps, (height, width), padding='same', activation='relu', name=name
    )(x)

  def lrn(x: 'keras.KerasTensor') -> 'keras.KerasTensor':
    sums = ops.matmul(ops.square(x), band.astype(np.float32))
    return x / ops.power(_BIAS + _ALPHA * sums, _BETA)

  def dense(
      name: str, x: 'keras.KerasTensor', activation: str | None = None
  ) -> 'keras.KerasTensor':
    # The matrix of a linear layer, or kernels of their own for each place.
    shape = weights[name + '/weights'].shape
    if len(shape) == 2:
      return layers.Dense(shape[1], activation=activation, name=name)(
          layers.Flatten()(x)
      )
    height, width, *_, maps = shape
    return layers.EinsumDense(
        'nhwk,hwkc->nhwc',
        (height, width, maps),
        activation=activation,
        bias_axes='hwc',
        name=name,
    )(ops.image.extract_patches(x, _PATCH_SIZE, strides=1, padding='same'))

  images = keras.Input(
      (image_size, image_size, 3), dtype='uint8', name='images'
  )
  x = layers.CenterCrop(crop_size, crop_size)(ops.cast(images, 'float32'))
  x = conv('conv1', standardize(x))
  x = lrn(layers.MaxPooling2D(3, 2, padding='same', name='pool1')(x))
  x = lrn(conv('conv2', x))
  x = layers.MaxPooling2D(3, 2, padding='same', name='pool2')(x)
  x = dense('local4', dense('local3', x, 'relu'), 'relu')
  logits = dense('softmax_linear', x)
  model = keras.Model(
      images,
      {'logits': logits, 'probabilities': ops.softmax(logits)},
      name='cifar10_compat',
  )
  for name in sorted({variable.partition('/')[0] for variable in weights}):
    layer = model.get_layer(name)
    layer.set_weights(
        [
            weights[f'{name}/{part}'].reshape(variable.shape)
            for part, variable in zip(('weights', 'biases'), layer.weights)
        ]
    )
  return model
