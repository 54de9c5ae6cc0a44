"""The page of a run in a real browser.

Skipped where there is no Chromium, but never where the environment has CI.
"""

import pathlib

from absl.testing import absltest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.helpers import browser
from tests.tools.run import run_page_fixture
from tools.run import page


class PageBrowserTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self.browser = browser.start(self)
    path = pathlib.Path(self.create_tempdir().full_path, 'page.html')
    path.write_text(
        page.render(
            'A run',
            run_page_fixture.full_history(),
            run_page_fixture.network(),
            {'commit': 'f' * 40, 'lock, SHA-256': 'f' * 64},
        ),
        encoding='utf-8',
    )
    self.url = path.as_uri()

  def _find(self, selector):
    return self.browser.find_elements(By.CSS_SELECTOR, selector)

  def _run(self, script):
    return self.browser.execute_script('return ' + script)

  def test_it_fits(self):
    for width in 400, 1400:
      browser.resize(self.browser, width, 900)
      self.browser.get(self.url)
      self.assertEqual(width, self._run('window.innerWidth'))
      self.assertLessEqual(
          self._run('document.documentElement.scrollWidth'), width
      )
      for image in self._find('img') + self._find('svg'):
        self.assertGreater(image.size['width'], 90)
        self.assertLess(image.size['width'], width)
      # All are decoded.
      self.assertTrue(
          self._run('[...document.images].every(i => i.naturalWidth > 0)')
      )

  def test_colors_follow_the_system(self):
    grounds = []
    for scheme in 'light', 'dark':
      self.browser.execute_cdp_cmd(
          'Emulation.setEmulatedMedia',
          {'features': [{'name': 'prefers-color-scheme', 'value': scheme}]},
      )
      self.browser.get(self.url)
      grounds.append(self._run('getComputedStyle(document.body).background'))
      # The surest cells of the matrix have more of the color.
      shades = [
          cell.value_of_css_property('background-color')
          for cell in self._find('.matrix tbody tr:first-child td')
      ]
      self.assertLen(set(shades), 3)  # 9 of 10, 1, and 0.
    self.assertNotEqual(*grounds)

  def test_the_keyboard_reaches_what_scrolls(self):
    browser.resize(self.browser, 400, 900)
    self.browser.get(self.url)
    reached = set()
    body = self._find('body')[0]
    for _ in range(60):
      body.send_keys(Keys.TAB)
      active = self.browser.switch_to.active_element
      reached.add(active.get_attribute('aria-label') or active.text)
      body = active
    self.assertIn('Confusion matrix', reached)
    self.assertIn('Manifest', reached)  # A link to it.

  def test_a_screen_reader_has_a_text_for_everything(self):
    self.browser.get(self.url)
    self.assertEqual('en', self._find('html')[0].get_attribute('lang'))
    self.assertLen(self._find('main'), 1)
    self.assertLen(self._find('h1'), 1)
    for element in self._find('svg'):
      self.assertEqual('img', element.get_attribute('role'))
      self.assertNotEmpty(element.get_attribute('aria-label'))
    for element in self._find('img'):
      self.assertNotEmpty(element.get_attribute('alt'))
    for section in self._find('section'):
      heading = self.browser.find_element(
          By.ID, section.get_attribute('aria-labelledby')
      )
      self.assertNotEmpty(heading.text)
    for link in self._find('nav a'):
      target = link.get_attribute('href').partition('#')[2]
      self.assertLen(self._find('#' + target), 1)
