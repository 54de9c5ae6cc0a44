"""Prints "N passed, N failed, N skipped" for the test.xml files of a directory.

A test case counts once, though two suites may have run it.
"""

import os
import sys
import xml.etree.ElementTree as ElementTree


def main(directory):
  results = {}
  for where, _, files in os.walk(directory):
    if 'test.xml' not in files:
      continue
    target = os.path.relpath(where, directory).partition(os.sep)[2]
    for case in ElementTree.parse(os.path.join(where, 'test.xml')).iter(
        'testcase'):
      if case.get('status') == 'notrun':
        continue
      result = 'passed'
      if case.find('failure') is not None or case.find('error') is not None:
        result = 'failed'
      elif case.find('skipped') is not None:
        result = 'skipped'
      results[target, case.get('classname'), case.get('name')] = result
  counts = [list(results.values()).count(r)
            for r in ('passed', 'failed', 'skipped')]
  print('%d passed, %d failed, %d skipped' % tuple(counts))
  return 0 if counts[0] and not counts[1] else 1


if __name__ == '__main__':
  sys.exit(main(sys.argv[1]))
