"""Counts the test cases that some Bazel calls ran, each once for each Python.

  count.py RESULTS PYTHON EVENTS   adds the cases of one call to RESULTS
  count.py RESULTS                 names the cases that passed only when they
                                   were tried again, and prints "N passed, N
                                   failed, N skipped"

EVENTS is what the call's --build_event_json_file wrote.  Bazel's directory of
test logs would not do: it keeps the logs of earlier calls, failures included.
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
              urllib.parse.urlsplit(output['uri']).path
          )
          yield event['id']['testResult']['label'], path


def _result(case):
  if case.find('failure') is not None or case.find('error') is not None:
    return 'failed'
  return 'passed' if case.find('skipped') is None else 'skipped'


def record(results, python, events):
  """Appends a line for each case: Python, label, class, name, result."""
  with open(results, 'a', encoding='utf-8') as f:
    for label, xml in _test_xml_files(events):
      for case in ElementTree.parse(xml).iter('testcase'):
        if case.get('status') != 'notrun':
          key = [python, label, case.get('classname'), case.get('name')]
          f.write(json.dumps(key + [_result(case)]) + '\n')


def total(results):
  """Prints the counts; returns whether there were cases and none failed."""
  last = {}  # A case that ran twice counts once.
  failed_once = set()
  with open(results, encoding='utf-8') as f:
    for line in f:
      *key, result = json.loads(line)
      last[tuple(key)] = result
      if result == 'failed':
        failed_once.add(tuple(key))
  for key in sorted(failed_once):
    if last[key] == 'passed':
      print('flaky, to be mended: Python %s, %s, %s.%s' % key)
  counts = [
      list(last.values()).count(r) for r in ('passed', 'failed', 'skipped')
  ]
  print('%d passed, %d failed, %d skipped' % tuple(counts))
  return counts[0] and not counts[1]


def main(results, *call):
  if call:
    record(results, *call)
    return 0
  return 0 if total(results) else 1


if __name__ == '__main__':
  sys.exit(main(*sys.argv[1:]))
