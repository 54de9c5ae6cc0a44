"""Reads and writes the results file: a manifest, and every finished run.

{"manifest": {...}, "disturbed_above": 0.05, "runs": [{"measurement": "input",
"contestant": "literal", "round": 1, "date": "2026-01-01T12:00:00+00:00",
"values": {"examples_per_second": 14000.0}, "seconds": 9.1,
"peak_memory_bytes": 600000000, "disturbance": {"others": 0.01, "steal": 0.0,
"load": 1.9, "disturbed": false}}, ...]}

Round 0 is a warm-up and does not count.  An unknown `disturbance` is null.
"""

import datetime
import json
import os

from cifar10_compat.base import errors

from ..base import json_files
from . import disturbance
from . import schedule


class Results:
  """The runs of one manifest, saved in a file if a path is given.

  Attributes:
    manifest: dict, see manifest.manifest().
    runs: list of dict, see the module's docstring.
  """

  def __init__(self, manifest, path=None, runs=()):
    self.manifest = manifest
    self.runs = list(runs)
    self._path = path

  def add(self, number, measurement, contestant, *, values, result):
    """Adds a run and saves the file.

    Args:
      number: int, the round of the run.
      measurement, contestant: str.
      values: dict from name to measured value.
      result: children.Result.
    """
    date = datetime.datetime.fromtimestamp(
        result.started, datetime.timezone.utc
    )
    self.runs.append(
        {
            'measurement': measurement,
            'contestant': contestant,
            'round': number,
            'date': date.isoformat(timespec='seconds'),
            'values': values,
            'seconds': result.seconds,
            'peak_memory_bytes': result.peak_memory_bytes,
            'disturbance': result.disturbance and result.disturbance.to_json(),
        }
    )
    self.save()

  def save(self):
    """Writes the file atomically.

    Raises:
      UsageError: the file cannot be written.
    """
    if self._path is None:
      return
    json_files.write(self._path, self.to_json())

  def to_json(self):
    """Returns the content of the file, a dict of JSON values."""
    return {
        'manifest': self.manifest,
        'disturbed_above': disturbance.THRESHOLD,
        'runs': self.runs,
    }

  def done(self):
    """Returns the set of finished (round, measurement, contestant)."""
    return {
        (run['round'], run['measurement'], run['contestant'])
        for run in self.runs
    }

  def counted(self, measurement, contestant):
    """Returns the list of a contestant's runs, except the warm-up."""
    return [
        run
        for run in self.runs
        if run['round'] != schedule.WARM_UP_ROUND
        and (run['measurement'], run['contestant']) == (measurement, contestant)
    ]

  def values(self, measurement, contestant, key):
    """Returns a measured value for each of a contestant's counted runs.

    Args:
      measurement, contestant: str.
      key: str, the name of a value, or 'peak_memory_bytes'.

    Returns:
      dict from round to number; runs without the value are skipped.
    """
    found = {}
    for run in self.counted(measurement, contestant):
      value = run['values'].get(key, run.get(key))
      if value is not None:
        found[run['round']] = value
    return found

  def contestants(self, measurement):
    """Returns the contestants with counted runs, in order of the first run."""
    return list(
        dict.fromkeys(
            run['contestant']
            for run in self.runs
            if run['measurement'] == measurement
            and run['round'] != schedule.WARM_UP_ROUND
        )
    )


def from_json(document, path=None):
  """Converts a JSON document to Results.

  Args:
    document: dict, see Results.to_json().
    path: str, the file to save the results to, or None.

  Raises:
    UsageError: the document has no results.
  """
  try:
    return Results(document['manifest'], path, document['runs'])
  except (KeyError, TypeError) as e:
    raise errors.UsageError(
        'not a results file of the benchmark (%s is missing): choose another '
        'file' % e
    ) from e


def read(path):
  """Returns the Results in a file.

  Raises:
    UsageError: the file cannot be read, or has no results.
  """
  document = json_files.read(
      path,
      remedy='choose a file that the benchmark wrote, or measure with --data_dir',
  )
  return from_json(document, path)


def open_or_create(path, manifest):
  """Returns the Results of a file; creates new Results if it is missing.

  Args:
    path: str, the file, which need not exist; None to keep the results in
      memory.
    manifest: dict, see manifest.manifest().

  Raises:
    UsageError: the file has no results, or results with another manifest.
  """
  if path is None or not os.path.exists(path):
    return Results(manifest, path)
  found = read(path)
  # Convert the manifest through JSON, which turns tuples into lists.
  wanted = json.loads(json.dumps(manifest))
  different = sorted(
      key
      for key in set(wanted) | set(found.manifest)
      if wanted.get(key) != found.manifest.get(key)
  )
  if different:
    raise errors.UsageError(
        '--json=%s has results with different %s: choose another file, or '
        'restore these conditions' % (path, ', '.join(different))
    )
  return found
