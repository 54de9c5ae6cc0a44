"""Prints "N passed, N failed, N skipped" for the test runs of some Bazel calls.

  count.py FILE [FILE ...]

Each FILE is what one call's --build_event_json_file wrote.  Bazel's directory
of test logs would not do: it keeps the logs of earlier calls, failures
included.
"""

import json
import sys
import urllib.parse
import urllib.request
import xml.etree.ElementTree as ElementTree


def _test_xml_files(events):
  """Yields the label of each test that a call ran, and its test.xml."""
  with open(events, encoding='utf-8') as f:
    for line in f:
      event = json.loads(line)
      for output in event.get('testResult', {}).get('testActionOutput', []):
        if output['name'] == 'test.xml':
          path = urllib.request.url2pathname(
              urllib.parse.urlsplit(output['uri']).path)
          yield event['id']['testResult']['label'], path


def _result(case):
  if case.find('failure') is not None or case.find('error') is not None:
    return 'failed'
  return 'passed' if case.find('skipped') is None else 'skipped'


def main(paths):
  results = {}  # A test case counts once, though two calls may have run it.
  for path in paths:
    for label, xml in _test_xml_files(path):
      for case in ElementTree.parse(xml).iter('testcase'):
        if case.get('status') != 'notrun':
          results[label, case.get('classname'),
                  case.get('name')] = _result(case)
  counts = [list(results.values()).count(r)
            for r in ('passed', 'failed', 'skipped')]
  print('%d passed, %d failed, %d skipped' % tuple(counts))
  return 0 if counts[0] and not counts[1] else 1


if __name__ == '__main__':
  sys.exit(main(sys.argv[1:]))
