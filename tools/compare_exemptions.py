"""The differences between an edition's training graph and ours that are meant.

Data only.  Each op is written out, below the reason that it shares with others
and the one attribute that differs.
"""

from tools.compare_graph import Exemption
from tools.compare_graph import Rename


def _exempt(reason, ops):
  """Returns Exemptions; ops is a dict from attribute to ops, in one text."""
  return tuple(Exemption(op, attribute, reason)
               for attribute, text in ops.items() for op in text.split())


def _rename(reason, pairs, endings=('',)):
  """Returns Renames for a text of pairs, THEIRS OURS."""
  names = pairs.split()
  return tuple(Rename(theirs + ending, ours + ending, reason)
               for theirs, ours in zip(names[::2], names[1::2])
               for ending in endings)


def _unscoped(reason, scope, ops):
  """Returns Renames of ops that are in a name scope of theirs alone."""
  return tuple(Rename(scope + op, op, reason) for op in ops.split())


_STEP = ("v0.7.0's step counter is an int32 variable without a name; ours is "
         "global_step, int64, which today's hooks and sessions look for")
_QUEUE = ("two ops more give a queue's fullness its tag of 2016, queue/..., "
          'which TensorFlow itself writes without queue/ today')
_SAVE = ('the saver takes its keys in the order of the alphabet: Variable is '
         'the first of 25 and global_step the tenth, so those between move up')

_V0_7_0 = (
    _exempt(_STEP, {
        'SrcT': """
  ExponentialDecay/Cast_2 ExponentialMovingAverage/num_updates
""",
        'inputs': """
  ExponentialDecay/Cast_2 ExponentialMovingAverage/num_updates GradientDescent
""",
        'T': 'GradientDescent',
        '_class': """
  GradientDescent GradientDescent/value
""",
        'dtype': 'GradientDescent/value',
        'value': 'GradientDescent/value',
        'presence': """
  Variable Variable/Assign Variable/initial_value Variable/read global_step
  global_step/Assign global_step/Initializer/zeros global_step/read
""",
        'control inputs': 'init/NoOp',
    }) +
    _exempt(_QUEUE, {
        'inputs': 'Merge/MergeSummary',
        'presence': """
  queue/input_producer/fraction_of_32_full
  queue/input_producer/fraction_of_32_full/tags
  queue/shuffle_batch/fraction_over_20000_of_384_full
  queue/shuffle_batch/fraction_over_20000_of_384_full/tags
""",
    }) +
    _exempt(_SAVE, {
        'T': """
  save/Assign save/Assign_9
""",
        '_class': """
  save/Assign save/Assign_2 save/Assign_4 save/Assign_6 save/Assign_8
  save/Assign_9
""",
        'device': """
  save/Assign save/Assign_8
""",
        'inputs': """
  save/Assign save/Assign_1 save/Assign_2 save/Assign_3 save/Assign_4
  save/Assign_5 save/Assign_6 save/Assign_7 save/Assign_8 save/Assign_9
  save/SaveV2
""",
        'output shapes': """
  save/Assign save/Assign_2 save/Assign_4 save/Assign_6 save/Assign_8
""",
        'dtypes': """
  save/RestoreV2 save/SaveV2
""",
        'value': """
  save/RestoreV2/tensor_names save/SaveV2/tensor_names
""",
        'control inputs': """
  save/restore_all/NoOp save/restore_all/NoOp_1
""",
    }))

_AFTER = ('this edition averages the weights after their update, and its '
          "average is what is run; v0.7.0 and ours run 'train', which leaves "
          'the order open')
_PIN = 'this edition pins its input to the CPU; v0.7.0 and ours do not'
_STDDEV = ("this edition draws the convolutions' weights with a deviation of "
           '5e-2; v0.7.0 and ours with 1e-4')
_RESHAPE = ("this edition takes local3's rows from the tensor's shape and "
            'leaves their length open; v0.7.0 and ours give the length')
_SLICE = ('this edition cuts a record with strided_slice; v0.7.0 and ours with '
          'slice')
_TAG = ("this edition writes summaries with tf.summary, which makes a tag out "
        "of a name; ours keep the tags of v0.7.0, those of the queues too")
_SCOPE = "this edition builds its input in a name scope 'data_augmentation'"

_V1_13_0 = (
    _exempt(_AFTER, {
        '_has_manual_control_dependencies': 'ExponentialMovingAverage',
        'control inputs': """
  ExponentialMovingAverage ExponentialMovingAverage/AssignMovingAvg/sub/x
  ExponentialMovingAverage/AssignMovingAvg/sub_1
  ExponentialMovingAverage/AssignMovingAvg_1/sub/x
  ExponentialMovingAverage/AssignMovingAvg_1/sub_1
  ExponentialMovingAverage/AssignMovingAvg_2/sub/x
  ExponentialMovingAverage/AssignMovingAvg_2/sub_1
  ExponentialMovingAverage/AssignMovingAvg_3/sub/x
  ExponentialMovingAverage/AssignMovingAvg_3/sub_1
  ExponentialMovingAverage/AssignMovingAvg_4/sub/x
  ExponentialMovingAverage/AssignMovingAvg_4/sub_1
  ExponentialMovingAverage/AssignMovingAvg_5/sub/x
  ExponentialMovingAverage/AssignMovingAvg_5/sub_1
  ExponentialMovingAverage/AssignMovingAvg_6/sub/x
  ExponentialMovingAverage/AssignMovingAvg_6/sub_1
  ExponentialMovingAverage/AssignMovingAvg_7/sub/x
  ExponentialMovingAverage/AssignMovingAvg_7/sub_1
  ExponentialMovingAverage/AssignMovingAvg_8/sub/x
  ExponentialMovingAverage/AssignMovingAvg_8/sub_1
  ExponentialMovingAverage/AssignMovingAvg_9/sub/x
  ExponentialMovingAverage/AssignMovingAvg_9/sub_1
  ExponentialMovingAverage/add/x ExponentialMovingAverage/add_1/x
  ExponentialMovingAverage/decay ExponentialMovingAverage/num_updates
""",
        'presence': 'train',
    }) +
    _exempt(_PIN, {
        'device': """
  Cast Cast_1 DecodeRaw FixedLengthRecordReaderV2 ImageSummary
  ImageSummary/tag ReaderReadV2 Reshape Reshape/shape Reshape_1
  Reshape_1/shape Slice Slice/begin Slice_1 Slice_1/begin adjust_brightness
  adjust_brightness/Identity adjust_contrast adjust_contrast/Identity
  input_producer input_producer/Assert/Assert
  input_producer/Assert/Assert/data_0 input_producer/Assert/Const
  input_producer/Cast input_producer/Const input_producer/Greater
  input_producer/Greater/y input_producer/Identity
  input_producer/RandomShuffle input_producer/Size
  input_producer/fraction_of_32_full input_producer/fraction_of_32_full/tags
  input_producer/input_producer_Close input_producer/input_producer_Close_1
  input_producer/input_producer_EnqueueMany input_producer/input_producer_Size
  input_producer/mul input_producer/mul/y per_image_standardization
  per_image_standardization/Cast per_image_standardization/Const
  per_image_standardization/Maximum per_image_standardization/Mean
  per_image_standardization/Mean/reduction_indices
  per_image_standardization/Prod per_image_standardization/Rsqrt
  per_image_standardization/Shape per_image_standardization/control_dependency
  per_image_standardization/reduce_std/Sqrt
  per_image_standardization/reduce_std/reduce_variance/Mean
  per_image_standardization/reduce_std/reduce_variance/Mean/reduction_indices
  per_image_standardization/reduce_std/reduce_variance/Mean_1
  per_image_standardization/reduce_std/reduce_variance/Mean_1/reduction_indices
  per_image_standardization/reduce_std/reduce_variance/Square
  per_image_standardization/reduce_std/reduce_variance/sub
  per_image_standardization/strided_slice
  per_image_standardization/strided_slice/stack
  per_image_standardization/strided_slice/stack_1
  per_image_standardization/strided_slice/stack_2
  per_image_standardization/sub random_crop random_crop/All
  random_crop/Assert/Assert random_crop/Assert/Assert/data_0
  random_crop/Assert/Const random_crop/Const random_crop/GreaterEqual
  random_crop/Shape random_crop/Shape_1 random_crop/add random_crop/add/y
  random_crop/control_dependency random_crop/mod random_crop/random_uniform
  random_crop/random_uniform/max random_crop/random_uniform/min
  random_crop/size random_crop/sub random_flip_left_right/Less
  random_flip_left_right/Less/y random_flip_left_right/Merge
  random_flip_left_right/ReverseV2 random_flip_left_right/ReverseV2/Switch
  random_flip_left_right/ReverseV2/axis random_flip_left_right/Switch
  random_flip_left_right/Switch_1 random_flip_left_right/control_dependency
  random_flip_left_right/pred_id random_flip_left_right/random_uniform/Mul
  random_flip_left_right/random_uniform/RandomUniform
  random_flip_left_right/random_uniform/max
  random_flip_left_right/random_uniform/min
  random_flip_left_right/random_uniform/shape random_flip_left_right/switch_f
  random_flip_left_right/switch_t random_uniform random_uniform/RandomUniform
  random_uniform/max random_uniform/min random_uniform/mul
  random_uniform/shape random_uniform/sub random_uniform_1
  random_uniform_1/RandomUniform random_uniform_1/max random_uniform_1/min
  random_uniform_1/mul random_uniform_1/shape random_uniform_1/sub
  shuffle_batch shuffle_batch/Cast shuffle_batch/Const shuffle_batch/Maximum
  shuffle_batch/Maximum/x shuffle_batch/fraction_over_20000_of_384_full
  shuffle_batch/fraction_over_20000_of_384_full/tags shuffle_batch/mul
  shuffle_batch/mul/y shuffle_batch/n shuffle_batch/random_shuffle_queue
  shuffle_batch/random_shuffle_queue_Close
  shuffle_batch/random_shuffle_queue_Close_1
  shuffle_batch/random_shuffle_queue_Size
  shuffle_batch/random_shuffle_queue_enqueue shuffle_batch/sub
  shuffle_batch/sub/y transpose transpose/perm
""",
    }) +
    _exempt(_STDDEV, {
        'value': """
  conv1/weights/Initializer/truncated_normal/stddev
  conv2/weights/Initializer/truncated_normal/stddev
""",
    }) +
    _exempt(_RESHAPE, {
        'value': 'local3/Reshape/shape',
    }) +
    _exempt(_SLICE, {
        'begin_mask': """
  Slice Slice_1
""",
        'ellipsis_mask': """
  Slice Slice_1
""",
        'end_mask': """
  Slice Slice_1
""",
        'inputs': """
  Slice Slice_1
""",
        'new_axis_mask': """
  Slice Slice_1
""",
        'output shapes': """
  Slice Slice_1
""",
        'shrink_axis_mask': """
  Slice Slice_1
""",
        'type': """
  Slice Slice_1
""",
        'presence': """
  Slice/size Slice_1/size data_augmentation/StridedSlice/end
  data_augmentation/StridedSlice_1/end data_augmentation/ones_like
  data_augmentation/ones_like/Const
  data_augmentation/ones_like/Shape/shape_as_tensor
  data_augmentation/ones_like/tensor data_augmentation/ones_like_1
  data_augmentation/ones_like_1/Const
  data_augmentation/ones_like_1/Shape/shape_as_tensor
  data_augmentation/ones_like_1/tensor
""",
    }) +
    _exempt(_TAG, {
        'value': """
  HistogramSummary/tag HistogramSummary_1/tag HistogramSummary_2/tag
  HistogramSummary_3/tag HistogramSummary_4/tag HistogramSummary_5/tag
  HistogramSummary_6/tag HistogramSummary_7/tag HistogramSummary_8/tag
  HistogramSummary_9/tag ScalarSummary_1/tags ScalarSummary_2/tags
  ScalarSummary_3/tags ScalarSummary_4/tags ScalarSummary_5/tags
  ScalarSummary_6/tags ScalarSummary_7/tags ScalarSummary_8/tags
  conv1/HistogramSummary/tag conv1/ScalarSummary/tags
  conv2/HistogramSummary/tag conv2/ScalarSummary/tags
  local3/HistogramSummary/tag local3/ScalarSummary/tags
  local4/HistogramSummary/tag local4/ScalarSummary/tags
  softmax_linear/HistogramSummary/tag softmax_linear/ScalarSummary/tags
""",
        'inputs': 'Merge/MergeSummary',
        'presence': """
  queue/input_producer/fraction_of_32_full
  queue/input_producer/fraction_of_32_full/tags
  queue/shuffle_batch/fraction_over_20000_of_384_full
  queue/shuffle_batch/fraction_over_20000_of_384_full/tags
""",
    }))

_V1_13_0_RENAMES = (
    _unscoped(_SCOPE, 'data_augmentation/', """
  FixedLengthRecordReaderV2 ReaderReadV2 DecodeRaw Cast Reshape/shape Reshape
  transpose/perm transpose Cast_1 random_crop/size random_crop/Shape
  random_crop/GreaterEqual random_crop/Const random_crop/All
  random_crop/Assert/Const random_crop/Assert/Assert/data_0
  random_crop/Assert/Assert random_crop/control_dependency random_crop/sub
  random_crop/add/y random_crop/add random_crop/Shape_1
  random_crop/random_uniform/min random_crop/random_uniform/max
  random_crop/random_uniform random_crop/mod random_crop
  random_flip_left_right/control_dependency
  random_flip_left_right/random_uniform/shape
  random_flip_left_right/random_uniform/min
  random_flip_left_right/random_uniform/max
  random_flip_left_right/random_uniform/RandomUniform
  random_flip_left_right/random_uniform/Mul random_flip_left_right/Less/y
  random_flip_left_right/Less random_flip_left_right/Switch
  random_flip_left_right/switch_t random_flip_left_right/switch_f
  random_flip_left_right/pred_id random_flip_left_right/ReverseV2/axis
  random_flip_left_right/ReverseV2 random_flip_left_right/ReverseV2/Switch
  random_flip_left_right/Switch_1 random_flip_left_right/Merge
  random_uniform/shape random_uniform/min random_uniform/max
  random_uniform/RandomUniform random_uniform/sub random_uniform/mul
  random_uniform adjust_brightness adjust_brightness/Identity
  random_uniform_1/shape random_uniform_1/min random_uniform_1/max
  random_uniform_1/RandomUniform random_uniform_1/sub random_uniform_1/mul
  random_uniform_1 adjust_contrast adjust_contrast/Identity
  per_image_standardization/control_dependency per_image_standardization/Shape
  per_image_standardization/strided_slice/stack
  per_image_standardization/strided_slice/stack_1
  per_image_standardization/strided_slice/stack_2
  per_image_standardization/strided_slice per_image_standardization/Const
  per_image_standardization/Prod
  per_image_standardization/Mean/reduction_indices
  per_image_standardization/Mean
  per_image_standardization/reduce_std/reduce_variance/Mean/reduction_indices
  per_image_standardization/reduce_std/reduce_variance/Mean
  per_image_standardization/reduce_std/reduce_variance/sub
  per_image_standardization/reduce_std/reduce_variance/Square
  per_image_standardization/reduce_std/reduce_variance/Mean_1/reduction_indices
  per_image_standardization/reduce_std/reduce_variance/Mean_1
  per_image_standardization/reduce_std/Sqrt per_image_standardization/Cast
  per_image_standardization/Rsqrt per_image_standardization/Maximum
  per_image_standardization/sub per_image_standardization
""") +
    # Outside that scope, whose ops no longer take the first numbers.
    _rename(_SCOPE, """
  Cast Cast_2
  Reshape Reshape_1
  Reshape/shape Reshape_1/shape
""") +
    _rename(_SLICE, """
  data_augmentation/StridedSlice Slice
  data_augmentation/StridedSlice/begin Slice/begin
  data_augmentation/StridedSlice_1 Slice_1
  data_augmentation/StridedSlice_1/begin Slice_1/begin
""") +
    _rename(_TAG, """
  conv1/conv1/conv1/sparsity conv1/ScalarSummary
  conv2/conv2/conv2/sparsity conv2/ScalarSummary
  local3/local3/local3/sparsity local3/ScalarSummary
  local4/local4/local4/sparsity local4/ScalarSummary
  softmax_linear/softmax_linear/softmax_linear/sparsity
      softmax_linear/ScalarSummary
  learning_rate ScalarSummary
  local3/weight_loss__raw_ ScalarSummary_1
  local3/weight_loss_1 ScalarSummary_2
  local4/weight_loss__raw_ ScalarSummary_3
  local4/weight_loss_1 ScalarSummary_4
  cross_entropy__raw_ ScalarSummary_5
  cross_entropy_1 ScalarSummary_6
  total_loss__raw_ ScalarSummary_7
  total_loss_1 ScalarSummary_8
""", ('', '/tags')) +
    _rename(_TAG, """
  images ImageSummary
  conv1/conv1/conv1/activations conv1/HistogramSummary
  conv2/conv2/conv2/activations conv2/HistogramSummary
  local3/local3/local3/activations local3/HistogramSummary
  local4/local4/local4/activations local4/HistogramSummary
  softmax_linear/softmax_linear/softmax_linear/activations
      softmax_linear/HistogramSummary
  conv1/weights_1 HistogramSummary
  conv1/biases_1 HistogramSummary_1
  conv2/weights_1 HistogramSummary_2
  conv2/biases_1 HistogramSummary_3
  local3/weights_1 HistogramSummary_4
  local3/biases_1 HistogramSummary_5
  local4/weights_1 HistogramSummary_6
  local4/biases_1 HistogramSummary_7
  softmax_linear/weights_1 HistogramSummary_8
  softmax_linear/biases_1 HistogramSummary_9
  conv1/weights/gradients HistogramSummary_10
  conv1/biases/gradients HistogramSummary_11
  conv2/weights/gradients HistogramSummary_12
  conv2/biases/gradients HistogramSummary_13
  local3/weights/gradients HistogramSummary_14
  local3/biases/gradients HistogramSummary_15
  local4/weights/gradients HistogramSummary_16
  local4/biases/gradients HistogramSummary_17
  softmax_linear/weights/gradients HistogramSummary_18
  softmax_linear/biases/gradients HistogramSummary_19
""", ('', '/tag')))

# The same for the tags of event files.  An empty name: the other side alone has
# the tag.
_V0_7_0_TAGS = _rename(_QUEUE, """
  input_producer/fraction_of_32_full
      queue/input_producer/fraction_of_32_full
  shuffle_batch/fraction_over_20000_of_384_full
      queue/shuffle_batch/fraction_over_20000_of_384_full
""")

_V1_13_0_TAGS = (
    _V0_7_0_TAGS +
    _rename(_TAG, """
  conv1/conv1/conv1/sparsity conv1/conv1/sparsity
  conv2/conv2/conv2/sparsity conv2/conv2/sparsity
  local3/local3/local3/sparsity local3/local3/sparsity
  local4/local4/local4/sparsity local4/local4/sparsity
  softmax_linear/softmax_linear/softmax_linear/sparsity
      softmax_linear/softmax_linear/sparsity
  conv1/conv1/conv1/activations conv1/conv1/activations
  conv2/conv2/conv2/activations conv2/conv2/activations
  local3/local3/local3/activations local3/local3/activations
  local4/local4/local4/activations local4/local4/activations
  softmax_linear/softmax_linear/softmax_linear/activations
      softmax_linear/softmax_linear/activations
  local3/weight_loss_1 local3/weight_loss
  local4/weight_loss_1 local4/weight_loss
  cross_entropy_1 cross_entropy
  total_loss_1 total_loss
  conv1/weights_1 conv1/weights
  conv1/biases_1 conv1/biases
  conv2/weights_1 conv2/weights
  conv2/biases_1 conv2/biases
  local3/weights_1 local3/weights
  local3/biases_1 local3/biases
  local4/weights_1 local4/weights
  local4/biases_1 local4/biases
  softmax_linear/weights_1 softmax_linear/weights
  softmax_linear/biases_1 softmax_linear/biases
""") + (
    # These names have a space in them.
    Rename('local3/weight_loss__raw_', 'local3/weight_loss (raw)', _TAG),
    Rename('local4/weight_loss__raw_', 'local4/weight_loss (raw)', _TAG),
    Rename('cross_entropy__raw_', 'cross_entropy (raw)', _TAG),
    Rename('total_loss__raw_', 'total_loss (raw)', _TAG),
    Rename('global_step/sec', '',
           "today's MonitoredTrainingSession, which this edition's trainer "
           'leaves as it is, counts steps a second; v0.7.0 and ours do not')))

# By the name of the edition in historical.EDITIONS.
EXEMPTIONS = {
    'tensorflow v0.7.0 and v0.7.1': _V0_7_0,
    'tensorflow/models v1.12.0 and v1.13.0': _V1_13_0,
}
RENAMES = {
    'tensorflow/models v1.12.0 and v1.13.0': _V1_13_0_RENAMES,
}
TAGS = {
    'tensorflow v0.7.0 and v0.7.1': _V0_7_0_TAGS,
    'tensorflow/models v1.12.0 and v1.13.0': _V1_13_0_TAGS,
}
