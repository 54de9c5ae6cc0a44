"""What the page of a run says."""

import datetime
import re

from absl.testing import absltest
import numpy as np

from tests.tools.run import run_page_fixture
from tools.base import training_log
from tools.run import history
from tools.run import page


def _bare(text):
  """Returns a page's text without tags."""
  return ' '.join(re.sub(r'<[^>]*>', ' ', text).split())


class PageTest(absltest.TestCase):

  def test_everything(self):
    text = page.render(
        'A <run>',
        run_page_fixture.full_history(),
        run_page_fixture.network(),
        {'commit': 'abc & def'},
    )
    bare = _bare(text)
    for expected in (
        '90 of 100 test images correctly: precision 0.9000',
        'class 0 9 1 0',
        'commit abc &amp; def',
        'averaged 0.25 (step 1,000) 0.25 (step 1,000) 0.5 (step 2,000)',
        'learning rate 0.1 (step 0) 0.01 (step 200)',
        'with a summary, some also with a checkpoint 64 without 128',
        'true class: class 0',
    ):
      self.assertIn(expected, bare)
    self.assertIn('<h1>A &lt;run&gt;</h1>', text)
    # Two losses, the precision, the rate, a queue, the speed, reliability.
    self.assertEqual(7, text.count('<svg role="img" aria-label="'))
    # The filters, and the ten mistakes.
    self.assertEqual(11, text.count('<img src="data:image/png;base64,'))
    self.assertEqual(11, len(re.findall(r'<img [^>]* alt="[^"]+">', text)))

  def test_speeds(self):
    points, marked, others = page.speeds(run_page_fixture.full_history())
    self.assertLen(points, 30)
    # The summary of step 100 is written between the lines of 100 and 110.
    self.assertEqual([(10, 64.0), (110, 64.0), (210, 64.0)], marked)
    self.assertEqual([128.0] * 27, others)

  def test_speeds_of_short_steps(self):
    # Of 128 images in 3.4 ms; the log says 3.
    begin = datetime.datetime(2026, 1, 1)
    lines = [
        training_log.Line(begin, 0, 4.7, 1280.0, 0.1),
        training_log.Line(
            begin + datetime.timedelta(seconds=1), 10, 4.6, 37647.1, 0.003
        ),
    ]
    points, _, _ = page.speeds(
        run_page_fixture.full_history()._replace(lines=lines)
    )
    self.assertEqual([(10, 1280.0)], points)

  def test_no_id_occurs_twice(self):
    history = run_page_fixture.full_history()
    points = [(0, 1.0), (100, 1.0)]
    history.scalars.update({'queue/a': points, 'queue/b': points})
    text = page.render('A run', history, run_page_fixture.network(), {})
    ids = re.findall(r' id="([^"]*)"', text)
    self.assertLen(set(ids), len(ids))
    self.assertContainsSubset(
        set(re.findall(r'(?:url\(|href=")#([^")]*)', text)), set(ids)
    )

  def test_it_loads_nothing(self):
    text = page.render(
        'A run', run_page_fixture.full_history(), run_page_fixture.network(), {}
    )
    self.assertNotRegex(
        re.sub(r'src="data:[^"]*"', '', text),
        r'https?:|src=|<script|<link|url\((?!#)',
    )

  def test_what_is_not_known_is_left_out(self):
    text = page.render(
        'A run',
        history.History({}, {}, [], None),
        run_page_fixture.network()._replace(
            images=None, labels=None, logits=None, filters=None
        ),
        {},
    )
    bare = _bare(text)
    for expected in (
        'The event files do not contain the loss.',
        'There are no evaluations: specify',
        'The event files do not contain the learning rate.',
        'The event files do not contain the fill levels of the queues.',
        'output with --log.',
        'do not have three color channels',
        'The test images are missing',
    ):
      self.assertIn(expected, bare)
    self.assertNotIn('<svg', text)

  def test_no_checkpoint(self):
    text = page.render(
        'A run',
        run_page_fixture.full_history(),
        page.Network(None, [], None, None, None, None),
        {},
    )
    self.assertIn('There is no checkpoint.', text)
    self.assertNotIn('test images are', text)

  def test_no_mistakes(self):
    right = run_page_fixture.network()
    text = page.render(
        'A run',
        run_page_fixture.full_history(),
        right._replace(logits=np.eye(10)[right.labels]),
        {},
    )
    self.assertIn('There are no errors.', text)
