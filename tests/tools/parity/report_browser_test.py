"""A report opened in a real browser.

Skipped if Chromium is missing, unless the environment variable CI is set.
"""

import io
import pathlib

from absl.testing import absltest
import numpy as np
from PIL import Image
from selenium.webdriver.common.by import By

from tests.helpers import browser
from tools.base import event_files
from tools.parity import curves
from tools.parity import distortions
from tools.parity import evaluators
from tools.parity import graph_diff
from tools.parity import losses
from tools.parity import report

_WIDTHS = 400, 1400

# Finds cut text, in plots too, with one pixel of tolerance for rounding.
_CUT = """
const cut = [];
for (const text of document.querySelectorAll('svg text')) {
  const inner = text.getBoundingClientRect();
  const outer = text.closest('svg').getBoundingClientRect();
  if (inner.left < outer.left - 1 || inner.right > outer.right + 1 ||
      inner.top < outer.top - 1 || inner.bottom > outer.bottom + 1)
    cut.push(text.textContent);
}
for (const e of document.querySelectorAll('h1, h2, h3, p, figcaption'))
  if (e.scrollWidth > e.clientWidth + 1) cut.push(e.textContent);
return cut;
"""


def _input_section():
  random = np.random.RandomState(0)
  tests = [
      distortions.two_sample(
          name, *(random.randint(0, most, 500) for _ in range(2))
      )
      for name, most in (('crop, y', 9), ('flipped', 2), ('label', 10))
  ]
  tests += [
      distortions.two_sample(name, *random.normal(size=(2, 500)))
      for name in ('contrast', 'mean of green')
  ]
  return distortions.section(distortions.Result(tuple(tests), (0, 0)))


def _eval_section():
  scores = [
      evaluators.Score(name, 0.77 + n / 100, n < 2, n == 0)
      for n, name in enumerate(
          (
              'original',
              'port, historical count',
              'port, exact count',
              'port, exact count, raw weights',
          )
      )
  ]
  return evaluators.section(scores, 'model.ckpt-10000')


def _curves_section():
  long_tag = 'queue/shuffle_batch/fraction_over_20000_of_384_full'
  runs = [
      event_files.Run(
          {step: loss - step / 1000 for step in range(0, 201, 10)},
          {
              'total_loss (raw)': [(0, loss), (100, 4.5), (200, 4.3)],
              'conv2/conv2/sparsity': [(0, 0.0), (100, 0.0), (200, 0.0)],
              long_tag: [(0, 1.0), (100, 0.9), (200, 0.98)],
          },
          frozenset(['total_loss (raw)', 'conv2/conv2/sparsity', long_tag]),
      )
      for loss in (4.68, 4.67)
  ]
  renames = [graph_diff.Rename('a_tag', 'another_tag', 'a reason ' * 9)]
  return curves.section(*([run] for run in runs), renames)


def _graph_section():
  return report.section(
      'Graph',
      1,
      text=['The original has 941 ops and the port 945.'],
      tables=[
          report.table(
              'Unexplained',
              ('op', 'attribute', 'original', 'port'),
              [
                  (
                      'softmax_linear/softmax_linear/ExponentialMovingAverage'
                      * 2,
                      'value',
                      '1',
                      '2',
                  )
              ],
          ),
          report.table(
              'Exempt',
              ('op', 'reason'),
              [(n, 'a reason') for n in range(99)],
          ),
      ],
  )


def _outline_section():
  names = ['tf.contrib.framework.get_or_create_global_step', '.run'] * 12
  return report.section(
      'Outline',
      0,
      text=['The port keeps 0 of the 24 calls.'],
      tables=[
          report.table(
              'cifar10_multi_gpu_train.py',
              ('function', 'calls', 'kept', 'missing calls', 'added calls'),
              [('train', 24, 0, ', '.join(names), ', '.join(names))],
          )
      ],
  )


def _report():
  """Returns a report with every kind of section, table and plot."""
  return report.report(
      'an edition',
      '2.0',
      [
          _graph_section(),
          _outline_section(),
          losses.section(
              '', *2 * [[4.67 - step / 1000 for step in range(200)]], 0.0
          ),
          _input_section(),
          _eval_section(),
          _curves_section(),
      ],
  )


class ReportBrowserTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self.browser = browser.start(self)
    scratch = self.create_tempdir().full_path
    self.content = _report()
    report.write(self.content, scratch)
    self.url = pathlib.Path(scratch, 'report.html').as_uri()

  def open(self, width):
    # A real window cannot be as narrow as a phone, nor as high as the page.
    browser.resize(self.browser, width, 900)
    self.browser.get(self.url)
    self.assertEqual(
        width, self.browser.execute_script('return window.innerWidth')
    )

  def screenshot(self, width):
    """Returns an image of the full page."""
    browser.resize(
        self.browser,
        width,
        self.browser.execute_script(
            'return document.documentElement.scrollHeight'
        ),
    )
    return Image.open(io.BytesIO(self.browser.get_screenshot_as_png())).convert(
        'RGB'
    )

  def find(self, selector):
    return self.browser.find_elements(By.CSS_SELECTOR, selector)

  def test_sections(self):
    self.open(_WIDTHS[1])
    self.assertEqual('cifar10_compat and an edition', self.find('h1')[0].text)
    self.assertEqual(
        [
            '%s %d unexplained' % (s['title'], s['unexplained'])
            for s in self.content['sections']
        ],
        [' '.join(heading.text.split()) for heading in self.find('section h2')],
    )
    self.assertIn('2 unexplained', self.find('.verdict')[0].text)
    for section, element in zip(self.content['sections'], self.find('section')):
      for text in section['text']:
        self.assertIn(text, element.text)
      self.assertLen(
          element.find_elements(By.TAG_NAME, 'table'), len(section['tables'])
      )
      self.assertLen(
          element.find_elements(By.TAG_NAME, 'svg'), len(section['plots'])
      )
    (details,) = self.find('details')[:1]
    self.assertNotIn('a reason', details.text)
    details.find_element(By.TAG_NAME, 'summary').click()
    self.assertIn('a reason', details.text)

  def test_each_plot_is_drawn(self):
    for scheme in ('light', 'dark'):
      self.browser.execute_cdp_cmd(
          'Emulation.setEmulatedMedia',
          {'features': [{'name': 'prefers-color-scheme', 'value': scheme}]},
      )
      for width in _WIDTHS:
        self.open(width)
        page = self.screenshot(width)
        self.assertEqual(width, page.width)
        plots = self.find('svg')
        self.assertLen(
            plots, sum(len(s['plots']) for s in self.content['sections'])
        )
        card, ours = self.color('card'), self.color('ours')
        for plot in plots:
          label = '%s at %d in %s' % (
              plot.get_attribute('aria-label'),
              width,
              scheme,
          )
          box = plot.rect
          self.assertBetween(box['width'], 250, width - 20, label)
          self.assertGreater(box['height'], 150, label)
          image = page.crop(
              [
                  round(n)
                  for n in (
                      box['x'],
                      box['y'],
                      box['x'] + box['width'],
                      box['y'] + box['height'],
                  )
              ]
          )
          painted = dict((color, n) for n, color in image.getcolors(1 << 24))
          # Letters, lines and their antialiased edges; mostly background.
          self.assertGreater(len(painted), 50, label)
          self.assertIn(card, painted, label)
          self.assertGreater(
              sum(
                  n
                  for color, n in painted.items()
                  if self.distance(color, ours) < 60
              ),
              20,
              label,
          )

  def distance(self, *colors):
    return max(abs(a - b) for a, b in zip(*colors))

  def color(self, name):
    """Returns a color defined by the page, as (red, green, blue)."""
    text = self.browser.execute_script(
        'return getComputedStyle(document.documentElement).getPropertyValue('
        '"--%s").trim().slice(1)' % name
    )
    text = text if len(text) == 6 else ''.join(2 * digit for digit in text)
    return tuple(bytes.fromhex(text))

  def test_page_fits(self):
    for width in _WIDTHS:
      self.open(width)
      self.browser.execute_script(
          'for (const d of document.querySelectorAll("details")) d.open = true'
      )
      self.assertLessEqual(
          self.browser.execute_script(
              'return document.documentElement.scrollWidth'
          ),
          width,
      )
      self.assertEmpty(self.browser.execute_script(_CUT))
