"""The tutorial's network in Keras 3, in idiomatic code.

The network does the same arithmetic as the tutorial's: the same layers, weight
decay on local3 and local4, gradient descent, and a moving average of each
variable.
"""

import keras
import tensorflow as tf

from . import fixed_values


@keras.saving.register_keras_serializable('cifar10_compat')
class LocalResponseNormalization(keras.layers.Layer):
  """The tutorial's normalization across maps, which Keras lacks."""

  def call(self, inputs):
    return tf.nn.local_response_normalization(
        inputs, 4, bias=1.0, alpha=0.001 / 9.0, beta=0.75
    )


def make_model():
  """Builds the network.

  Returns:
    keras.Model from float32 images of shape [n, 24, 24, 3] to logits of shape
    [n, 10], with the weights of fixed_values.weights().
  """
  layers = keras.layers

  def decay():
    # The factor is halved because Keras's regularizer does not halve the sum of
    # squares.
    return keras.regularizers.L2(fixed_values.WEIGHT_DECAY / 2)

  model = keras.Sequential(
      [
          keras.Input((24, 24, 3)),
          layers.Conv2D(64, 5, padding='same', activation='relu', name='conv1'),
          layers.MaxPooling2D(3, 2, padding='same'),
          LocalResponseNormalization(),
          layers.Conv2D(64, 5, padding='same', activation='relu', name='conv2'),
          LocalResponseNormalization(),
          layers.MaxPooling2D(3, 2, padding='same'),
          layers.Flatten(),
          layers.Dense(
              384, activation='relu', kernel_regularizer=decay(), name='local3'
          ),
          layers.Dense(
              192, activation='relu', kernel_regularizer=decay(), name='local4'
          ),
          layers.Dense(10, name='softmax_linear'),
      ]
  )
  values = fixed_values.weights()
  for name in {key.partition('/')[0] for key in values}:
    model.get_layer(name).set_weights(
        [values[name + '/weights'], values[name + '/biases']]
    )
  return model


def make_step(images, labels):
  """Builds the network and the function that trains it on one batch.

  Args:
    images, labels: arrays, see fixed_values.batch().

  Returns:
    Function without arguments that runs a step and returns the loss before its
    update, a float.
  """
  model = make_model()
  model.compile(
      optimizer=keras.optimizers.SGD(
          fixed_values.LEARNING_RATE,
          use_ema=True,
          ema_momentum=fixed_values.MOVING_AVERAGE_DECAY,
      ),
      loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
      # XLA, the Keras default, is slower for this network on a CPU.
      jit_compile=False,
  )
  images, labels = tf.constant(images), tf.constant(labels)

  def step():
    # Without a reset, Keras would return the mean loss of all steps.
    model.reset_metrics()
    return float(model.train_on_batch(images, labels))

  return step
