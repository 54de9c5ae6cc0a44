"""The existing environments of old TensorFlows."""

from tools.editions import environments
from tools.editions import runtimes


def environment(test, version):
  """Returns an Environment, or skips the test if it is missing.

  Args:
    test: TestCase.
    version: str, the version of a TensorFlow.
  """
  found = environments.made(runtimes.find(version), environments.cache_root())
  if found is None:
    test.skipTest(
        'there is no environment with TensorFlow %s: `tools/bazel run '
        '//tools:runtime -- %s` makes one' % (version, version)
    )
  return found
