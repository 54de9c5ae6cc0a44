"""Writes a network as a Keras 3 file that needs only Keras.

The model consists only of layers from keras.layers and functions from
keras.ops, so that Keras loads the file in safe mode and without this package.
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

# Name of the file with the class names in the archive.
CLASS_NAMES = 'class_names.json'

# The constants of tf.nn.lrn in the tutorial.
_RADIUS = 4
_BIAS = 1.0
_ALPHA = 0.001 / 9.0
_BETA = 0.75

# Height and width of the patches that a locally connected layer sees.
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

  The model takes images, uint8 [n, image_size, image_size, 3], crops and
  standardizes them as the evaluator does, and returns a dict of logits and
  probabilities, both float32 [n, number of classes].

  Args:
    path: the file's path, which must end with .keras.
    weights: dict from variable name to value, for a network in models.py.
    image_size, crop_size: heights and widths in pixels.
    class_names: the names of the classes, in the order of the logits.  A Keras
      model cannot contain strings, so the names are stored in the file, which
      is an archive, as class_names.json.

  Raises:
    UsageError: Keras is too old, or eager execution is disabled.
    OSError: the file cannot be written.
  """
  _model(weights, image_size, crop_size).save(path)
  with zipfile.ZipFile(path, 'a') as archive:
    archive.writestr(CLASS_NAMES, json.dumps(list(class_names)))


def _model(
    weights: Mapping[str, np.ndarray], image_size: int, crop_size: int
) -> 'keras.Model':
  """Builds a model with the weights; raises UsageError as write() does."""
  # Import Keras here: it takes a second, and only this format needs it.
  import keras

  errors.UsageError.raise_if(
      int(keras.__version__.partition('.')[0]) < 3,
      '--format=keras needs Keras 3, which is installed with TensorFlow 2.16 '
      f'and later, but Keras {keras.__version__} is installed',
  )
  errors.UsageError.raise_if(
      not tf.executing_eagerly(),
      'Keras 3 needs eager execution, which is disabled in this process: '
      'disable only resource variables instead of all TensorFlow 2 behavior',
  )

  layers, ops = keras.layers, keras.ops
  # Set these explicitly: the user's keras.json can change the defaults.
  own = {'dtype': 'float32'}
  own_image = {'data_format': 'channels_last', **own}
  band = np.arange(weights['conv2/weights'].shape[2])
  band = np.abs(band[:, np.newaxis] - band) <= _RADIUS

  def standardize(x: 'keras.KerasTensor') -> 'keras.KerasTensor':
    """Standardizes images like tf.image.per_image_standardization()."""
    mean = ops.mean(x, (1, 2, 3), keepdims=True)
    deviation = ops.std(x, (1, 2, 3), keepdims=True)
    least = 1 / float(np.sqrt(np.prod(x.shape[1:])))
    return (x - mean) / ops.maximum(deviation, least)

  def conv(name: str, x: 'keras.KerasTensor') -> 'keras.KerasTensor':
    height, width, _, maps = weights[name + '/weights'].shape
    return layers.Conv2D(
        maps,
        (height, width),
        padding='same',
        activation='relu',
        name=name,
        **own_image,
    )(x)

  def pool(name: str, x: 'keras.KerasTensor') -> 'keras.KerasTensor':
    return layers.MaxPooling2D(3, 2, padding='same', name=name, **own_image)(x)

  def lrn(x: 'keras.KerasTensor') -> 'keras.KerasTensor':
    sums = ops.matmul(ops.square(x), band.astype(np.float32))
    return x / ops.power(_BIAS + _ALPHA * sums, _BETA)

  def dense(
      name: str, x: 'keras.KerasTensor', activation: str | None = None
  ) -> 'keras.KerasTensor':
    # The weights are a matrix, or a different kernel for each position.
    shape = weights[name + '/weights'].shape
    if len(shape) == 2:
      return layers.Dense(shape[1], activation=activation, name=name, **own)(
          layers.Flatten(**own_image)(x)
      )
    height, width, *_, maps = shape
    return layers.EinsumDense(
        'nhwk,hwkc->nhwc',
        (height, width, maps),
        activation=activation,
        bias_axes='hwc',
        name=name,
        **own,
    )(
        ops.image.extract_patches(
            x,
            _PATCH_SIZE,
            strides=1,
            padding='same',
            data_format='channels_last',
        )
    )

  images = keras.Input(
      (image_size, image_size, 3), dtype='uint8', name='images'
  )
  x = layers.CenterCrop(crop_size, crop_size, **own_image)(
      ops.cast(images, 'float32')
  )
  x = conv('conv1', standardize(x))
  x = lrn(pool('pool1', x))
  x = lrn(conv('conv2', x))
  x = pool('pool2', x)
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
