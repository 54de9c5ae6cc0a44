"""Creates an image set with ten times the records of another set."""

import os
import pathlib

from cifar10_compat.data import description

TIMES = 10


def write(directory, dataset, data_dir):
  """Creates a set with ten times the files of another set.

  The files are links, not copies, so that the benchmark does not time a disk.

  Args:
    directory: str, an existing directory.
    dataset: description.Dataset, whose files exist.
    data_dir: str, the parent directory of the set's directory.
  """
  names = {False: [], True: []}
  records = {False: [], True: []}
  for eval_data, copies in ((False, TIMES), (True, 1)):
    for copy in range(copies):
      for path in dataset.filenames(data_dir, eval_data):
        name = '%d_%s' % (copy, os.path.basename(path))
        os.symlink(os.path.abspath(path), os.path.join(directory, name))
        names[eval_data].append(name)
        size = os.path.getsize(path)
        records[eval_data].append(size // dataset.record_bytes)
  tenfold = dataset._replace(
      name=dataset.name + '_x%d' % TIMES,
      directory=directory,
      train_files=tuple(names[False]),
      eval_files=tuple(names[True]),
      num_examples_per_epoch_for_train=sum(records[False]),
      num_examples_per_epoch_for_eval=sum(records[True]),
      sources=(),
      make=None,
  )
  path = os.path.join(directory, description.FILE_NAME)
  pathlib.Path(path).write_text(description.describe(tenfold), encoding='utf-8')
