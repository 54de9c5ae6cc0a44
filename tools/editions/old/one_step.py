"""Takes one step from given values on a given batch, in an old interpreter.

  one_step ARGUMENTS.json

The file contains a dict:

  source, package, data_dir, out: as in training.py
  flags: list of flags for the trainer
  given: an .npz file with images, labels, and the values of variables by the
    port's keys; missing variables start at 0
  step_key: the key of the step counter in `given`

The program writes into `out`:

  graph.json: dict with the keys of the variables and the versions of
    TensorFlow, Python and numpy
  step.npz: the results of the step, named as in training.py
  events.*: an event file with all summaries of the batch
"""

import os
import platform

import edition
import numpy as np
import training


def start(variables, given, step_key):
  """Returns a dict from variable to initial value."""
  values = {}
  for key, variable in variables.items():
    dtype = variable.dtype.base_dtype.as_numpy_dtype
    shape = variable.get_shape().as_list()
    # TensorFlow 0.12 also stores the uncorrected average of each loss.
    ours = key[: -len('/biased')] if key.endswith('/biased') else key
    if ours == 'Variable' and ours not in given:
      ours = step_key
    values[key] = np.asarray(given.get(ours, np.zeros(shape)), dtype)
  return values


def main():
  arguments = edition.arguments()
  tf, graph, made = training.capture(arguments)
  out = arguments['out']
  side = training.Training(tf, graph, made)
  with np.load(arguments['given']) as f:
    given = dict((key, f[key]) for key in f.files)
  batch = given.pop('images'), given.pop('labels')
  values = start(side.variables, given, arguments['step_key'])
  side.load(values)
  side.write_events(out, *batch)
  # Restore the variables: the gradient histograms have updated the loss
  # averages.
  side.load(values)
  np.savez(os.path.join(out, 'step.npz'), **side.observed_step(*batch))
  edition.write(
      {
          'keys': sorted(side.variables),
          'tensorflow': tf.__version__,
          'python': platform.python_version(),
          'numpy': np.__version__,
      },
      out,
      'graph',
  )


if __name__ == '__main__':
  main()
