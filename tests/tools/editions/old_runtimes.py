"""The environments of old TensorFlows that a test finds made."""

from tools.editions import environments
from tools.editions import runtimes


def environment(test, version):
  """Returns an Environment, or skips the test where it is not made.

  Args:
    test: TestCase.
    version: str, of a TensorFlow.
  """
  found = environments.made(runtimes.find(version), environments.cache_root())
  if found is None:
    test.skipTest(
        'there is no environment with TensorFlow %s: `tools/bazel run '
        '//tools:runtime -- %s` makes one' % (version, version)
    )
  return found
