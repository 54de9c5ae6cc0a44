"""The files of 2016: names, parameters and the order of calls.

Functions, their parameters and constants are those of tensorflow v0.7.0,
tensorflow/models/image/cifar10.  The outlines of the original, recorded in
tools/parity/outlines, say which calls each function of the port must keep.
"""

import ast
import inspect
from typing import NamedTuple

from absl.testing import parameterized
import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10
from cifar10_compat import cifar10_eval
from cifar10_compat import cifar10_input
from cifar10_compat import cifar10_multi_gpu_train
from cifar10_compat import cifar10_train
from tools.parity import outline
from tools.parity import outline_goldens

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

# A function that needs more than this takes a config.
_MOST_PARAMETERS = 8

_V0_7_0 = 'tensorflow v0.7.0 and v0.7.1'
_V1_13_0 = 'tensorflow/models v1.12.0 and v1.13.0'


class _Kept(NamedTuple):
  """The number of the original's calls that functions of the port must keep."""

  edition: str  # of the original
  functions: tuple  # names, counted together
  total: int  # calls in the original
  least: int  # minimum of these calls that the port keeps in their order
  most_added: int | None = None  # calls that only the port makes


# In each file, its outlines.
_OUTLINES = {
    cifar10: (
        _Kept(
            _V0_7_0,
            (
                '_activation_summary',
                '_variable_on_cpu',
                '_variable_with_weight_decay',
                'distorted_inputs',
                'inputs',
                'inference',
                'loss',
                '_add_loss_summaries',
                'train',
            ),
            total=88,
            least=84,  # 95 %
        ),
    ),
    cifar10_input: (
        _Kept(
            _V0_7_0,
            (
                'read_cifar10',
                '_generate_image_and_label_batch',
                'distorted_inputs',
                'inputs',
            ),
            total=36,
            least=33,  # 90 %
        ),
    ),
    # v1.13.0 trains in a MonitoredTrainingSession, as the port does.
    cifar10_train: (
        _Kept(_V1_13_0, ('train',), total=19, least=16, most_added=8),
    ),
    cifar10_multi_gpu_train: (
        _Kept(_V0_7_0, ('tower_loss',), total=13, least=13),
        _Kept(_V0_7_0, ('average_gradients',), total=6, least=6),
        _Kept(_V0_7_0, ('train',), total=48, least=32, most_added=12),
    ),
    cifar10_eval: (
        _Kept(_V0_7_0, ('eval_once',), total=22, least=18, most_added=8),
        _Kept(_V0_7_0, ('evaluate',), total=14, least=12, most_added=8),
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


def _file(module):
  """Returns the name of a module's file, as in outline.FILES."""
  return module.__name__.rpartition('.')[2] + '.py'


def _shown(name, comparison):
  """Returns lines on the calls that a function keeps, misses and adds."""
  return '\n'.join(
      (
          '%s: %d of %d calls kept, %d added'
          % (name, comparison.kept, comparison.total, len(comparison.added)),
          '  missing: ' + (', '.join(comparison.missing) or 'none'),
          '  added: ' + (', '.join(comparison.added) or 'none'),
      )
  )


class NamesakesTest(parameterized.TestCase, tf.test.TestCase):

  @parameterized.parameters(*_FUNCTIONS)
  def test_functions_of_2016_come_first_and_in_their_order(self, module):
    listed = [name for name, *_ in _FUNCTIONS[module]]
    defined = [n.name for n in _body(module) if isinstance(n, ast.FunctionDef)]
    self.assertEqual(listed, defined[: len(listed)])

  @parameterized.parameters(*_FUNCTIONS)
  def test_parameters_of_2016_come_first_and_in_their_order(self, module):
    for name, *parameters in _FUNCTIONS[module]:
      if name == 'main':
        continue  # In 2016 it took the command line, and did not use it.
      signature = inspect.signature(getattr(module, name)).parameters.values()
      positional = [
          p.name for p in signature if p.kind == p.POSITIONAL_OR_KEYWORD
      ]
      self.assertEqual(parameters, positional[: len(parameters)], name)

  @parameterized.parameters(*_FUNCTIONS)
  def test_no_function_has_many_parameters(self, module):
    for node in ast.walk(ast.parse(inspect.getsource(module))):
      if isinstance(node, ast.FunctionDef):
        args = node.args
        names = [
            a.arg
            for a in (
                *args.posonlyargs,
                *args.args,
                *filter(None, (args.vararg, args.kwarg)),
                *args.kwonlyargs,
            )
        ]
        self.assertLessEqual(
            len(names),
            _MOST_PARAMETERS,
            '%s of %s has the parameters %s'
            % (node.name, _file(module), ', '.join(names)),
        )

  @parameterized.named_parameters(
      ('_in_%s: %s' % (_file(module), ', '.join(kept.functions)), module, kept)
      for module, listed in _OUTLINES.items()
      for kept in listed
  )
  def test_calls_of_the_original_are_kept_in_their_order(self, module, kept):
    found = outline.compare(
        outline_goldens.read(kept.edition)[_file(module)],
        outline.outlines(inspect.getsource(module)),
    )
    found = {name: found[name] for name in kept.functions}
    shown = '%s beside %s\n%s' % (
        _file(module),
        kept.edition,
        '\n'.join(
            _shown(name, c) for name, c in found.items() if c.missing or c.added
        ),
    )
    self.assertEqual(kept.total, sum(c.total for c in found.values()))
    number = sum(c.kept for c in found.values())
    if number < kept.least:
      self.fail(
          '%d calls of the original are kept, and %d must be: %s'
          % (number, kept.least, shown)
      )
    added = sum(len(c.added) for c in found.values())
    if kept.most_added is not None and added > kept.most_added:
      self.fail(
          '%d calls are added, and at most %d may be: %s'
          % (added, kept.most_added, shown)
      )

  def test_recorded_outlines_are_of_the_listed_functions(self):
    self.assertEqual(
        {
            _file(module): [name for name, *_ in listed]
            for module, listed in _FUNCTIONS.items()
        },
        {
            file: list(outlines)
            for file, outlines in outline_goldens.read(_V0_7_0).items()
        },
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
