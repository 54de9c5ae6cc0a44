"""Takes one step from given values on a given batch, in an old interpreter.

  one_step ARGUMENTS.json

The file has a dict:

  source, package, data_dir, out: as in training.py
  flags: list of the trainer's flags
  given: an .npz file with images, labels, and the values of variables by our
    keys; what it lacks begins at 0
  step_key: what its step counter is called

What is written into `out`:

  graph.json: dict with the keys of the variables and the versions of
    TensorFlow, Python and numpy
  step.npz: what the step computed, named as in training.py
  events.*: an event file with all summaries of the batch
"""

import os
import platform

import edition
import numpy as np
import training


def start(variables, given, step_key):
  """Returns a dict of what each variable begins with."""
  values = {}
  for key, variable in variables.items():
    dtype = variable.dtype.base_dtype.as_numpy_dtype
    shape = variable.get_shape().as_list()
    # TensorFlow 0.12 keeps an average of a loss uncorrected beside it.
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
  # Histograms of gradients have updated the averages of the losses.
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
