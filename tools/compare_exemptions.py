"""The differences between an edition's training graph and ours that are meant.

Data only: one op and one attribute a line, below the reason they share.
"""

from tools.compare_graph import Exemption


def _exempt(reason, lines):
  """Returns an Exemption for each "OP ATTRIBUTE" line."""
  return tuple(Exemption(*line.split(' ', 1), reason)
               for line in lines.split('\n') if line)


_STEP = ("v0.7.0's step counter is an int32 variable without a name; ours is "
         "global_step, int64, which today's hooks and sessions look for")
_QUEUE = ("two ops more give a queue's fullness its tag of 2016, queue/..., "
          "which TensorFlow itself writes without queue/ today")
_SAVE = ("the saver takes its keys in the order of the alphabet: Variable is "
         "the first of 25 and global_step the tenth, so those between move up")

_V0_7_0 = (
    _exempt(_STEP, """
ExponentialDecay/Cast_2 SrcT
ExponentialDecay/Cast_2 inputs
ExponentialMovingAverage/num_updates SrcT
ExponentialMovingAverage/num_updates inputs
GradientDescent T
GradientDescent _class
GradientDescent inputs
GradientDescent/value _class
GradientDescent/value dtype
GradientDescent/value value
Variable presence
Variable/Assign presence
Variable/initial_value presence
Variable/read presence
global_step presence
global_step/Assign presence
global_step/Initializer/zeros presence
global_step/read presence
init/NoOp control inputs
""") +
    _exempt(_QUEUE, """
Merge/MergeSummary inputs
queue/input_producer/fraction_of_32_full presence
queue/input_producer/fraction_of_32_full/tags presence
queue/shuffle_batch/fraction_over_20000_of_384_full presence
queue/shuffle_batch/fraction_over_20000_of_384_full/tags presence
""") +
    _exempt(_SAVE, """
save/Assign T
save/Assign _class
save/Assign device
save/Assign inputs
save/Assign output shapes
save/Assign_1 inputs
save/Assign_2 _class
save/Assign_2 inputs
save/Assign_2 output shapes
save/Assign_3 inputs
save/Assign_4 _class
save/Assign_4 inputs
save/Assign_4 output shapes
save/Assign_5 inputs
save/Assign_6 _class
save/Assign_6 inputs
save/Assign_6 output shapes
save/Assign_7 inputs
save/Assign_8 _class
save/Assign_8 device
save/Assign_8 inputs
save/Assign_8 output shapes
save/Assign_9 T
save/Assign_9 _class
save/Assign_9 inputs
save/RestoreV2 dtypes
save/RestoreV2/tensor_names value
save/SaveV2 dtypes
save/SaveV2 inputs
save/SaveV2/tensor_names value
save/restore_all/NoOp control inputs
save/restore_all/NoOp_1 control inputs
"""))

# By the name of the edition in historical.EDITIONS.
EXEMPTIONS = {
    'tensorflow v0.7.0 and v0.7.1': _V0_7_0,
}
