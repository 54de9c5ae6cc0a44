"""Files of results."""

import json
import os

from cifar10_compat.base import errors
from cifar10_compat.base import files


def write(path, content, flag='--json'):
  """Writes a file in JSON, whole or not at all.

  Args:
    path: str.
    content: what JSON can hold; the keys of a dict keep their order.
    flag: str, what named the file or its directory.

  Raises:
    UsageError: it cannot be written.
  """
  text = json.dumps(content, indent=1) + '\n'
  try:
    files.write(path + '.tmp', [text.encode()])
    os.replace(path + '.tmp', path)
  except OSError as e:
    raise errors.UsageError(
        '%s cannot be written (%s): choose another %s'
        % (path, e.strerror, flag)
    ) from e
