"""The files of 2016: names, order and parameters are those of v0.7.0.

What is listed here was read off tensorflow v0.7.0,
tensorflow/models/image/cifar10.
"""

import ast
import inspect

from absl.testing import parameterized
import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10
from cifar10_compat import cifar10_eval
from cifar10_compat import cifar10_input
from cifar10_compat import cifar10_multi_gpu_train
from cifar10_compat import cifar10_train

# In each file, its functions in their order, with their parameters.
_FUNCTIONS = {
    cifar10: (
        ('_activation_summary', 'x'),
        ('_variable_on_cpu', 'name', 'shape', 'initializer'),
        ('_variable_with_weight_decay', 'name', 'shape', 'stddev', 'wd'),
        ('distorted_inputs',),
        ('inputs', 'eval_data'),
        ('inference', 'images'),
        ('loss', 'logits', 'labels'),
        ('_add_loss_summaries', 'total_loss'),
        ('train', 'total_loss', 'global_step'),
        ('maybe_download_and_extract',),
    ),
    cifar10_input: (
        ('read_cifar10', 'filename_queue'),
        (
            '_generate_image_and_label_batch',
            'image',
            'label',
            'min_queue_examples',
            'batch_size',
        ),
        ('distorted_inputs', 'data_dir', 'batch_size'),
        ('inputs', 'eval_data', 'data_dir', 'batch_size'),
    ),
    cifar10_train: (('train',), ('main',)),
    cifar10_multi_gpu_train: (
        ('tower_loss', 'scope'),
        ('average_gradients', 'tower_grads'),
        ('train',),
        ('main',),
    ),
    cifar10_eval: (
        ('eval_once', 'saver', 'summary_writer', 'top_k_op', 'summary_op'),
        ('evaluate',),
        ('main',),
    ),
}

# The constants of cifar10.py and cifar10_input.py, in their order.
_CONSTANTS = {
    cifar10: (
        'IMAGE_SIZE',
        'NUM_CLASSES',
        'NUM_EXAMPLES_PER_EPOCH_FOR_TRAIN',
        'NUM_EXAMPLES_PER_EPOCH_FOR_EVAL',
        'MOVING_AVERAGE_DECAY',
        'NUM_EPOCHS_PER_DECAY',
        'LEARNING_RATE_DECAY_FACTOR',
        'INITIAL_LEARNING_RATE',
        'TOWER_NAME',
        'DATA_URL',
    ),
    cifar10_input: (
        'IMAGE_SIZE',
        'NUM_CLASSES',
        'NUM_EXAMPLES_PER_EPOCH_FOR_TRAIN',
        'NUM_EXAMPLES_PER_EPOCH_FOR_EVAL',
    ),
}


def _body(module):
  return ast.parse(inspect.getsource(module)).body


class NamesakesTest(parameterized.TestCase, tf.test.TestCase):

  @parameterized.parameters(*_FUNCTIONS)
  def test_functions_of_2016_come_first_and_in_their_order(self, module):
    listed = [name for name, *_ in _FUNCTIONS[module]]
    defined = [n.name for n in _body(module) if isinstance(n, ast.FunctionDef)]
    self.assertEqual(listed, defined[: len(listed)])

  @parameterized.parameters(*_FUNCTIONS)
  def test_parameters_of_2016_stay_positional_and_others_are_keywords(
      self, module
  ):
    for name, *parameters in _FUNCTIONS[module]:
      if name == 'main':
        continue  # 2016's took the command line, which it did not use.
      signature = inspect.signature(getattr(module, name)).parameters.values()
      self.assertEqual(
          parameters,
          [p.name for p in signature if p.kind == p.POSITIONAL_OR_KEYWORD],
          name,
      )
      self.assertEqual(
          len(signature) - len(parameters),
          sum(p.kind == p.KEYWORD_ONLY for p in signature),
          name,
      )

  @parameterized.parameters(*_CONSTANTS)
  def test_constants_are_in_their_order(self, module):
    defined = [
        target.id
        for node in _body(module)
        if isinstance(node, ast.Assign)
        for target in node.targets
    ]
    listed = _CONSTANTS[module]
    self.assertEqual(list(listed), [n for n in defined if n in listed])

  def test_record_is_the_class_of_2016(self):
    with tf.Graph().as_default():
      record = cifar10_input.read_cifar10(tf.FIFOQueue(1, tf.string))
    self.assertEqual('CIFAR10Record', type(record).__name__)
    self.assertCountEqual(
        ['height', 'width', 'depth', 'key', 'label', 'uint8image'],
        vars(record),
    )


if __name__ == '__main__':
  tf.disable_v2_behavior()
  tf.test.main()
