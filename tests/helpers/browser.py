"""Headless Chromium for the tests, with a profile in the test's directory."""

import os
import shutil
import unittest
from unittest import mock

from selenium import webdriver
from selenium.webdriver.chrome import service

_PROGRAMS = 'chromium', 'chromedriver'


def programs():
  """Returns the paths of Chromium and of its driver.

  Raises:
    SkipTest: one is missing.
    AssertionError: one is missing and the environment has CI: a machine that
      runs all tests must have both.
  """
  found = [shutil.which(name) for name in _PROGRAMS]
  if not all(found):
    missing = 'install %s: this test opens a page in them' % ' and '.join(
        _PROGRAMS
    )
    if os.environ.get('CI'):
      raise AssertionError(missing)
    raise unittest.SkipTest(missing)
  return found


def start(test):
  """Starts Chromium, which logs its requests.

  Args:
    test: absltest.TestCase, at whose end the browser ends.

  Returns:
    selenium.webdriver.Chrome.
  """
  chromium, driver = programs()
  scratch = test.create_tempdir().full_path
  test.enter_context(mock.patch.dict(os.environ, HOME=scratch))
  options = webdriver.ChromeOptions()
  options.binary_location = chromium
  for argument in (
      '--headless=new',
      '--no-sandbox',
      '--hide-scrollbars',
      '--disable-dev-shm-usage',
      '--user-data-dir=' + os.path.join(scratch, 'profile'),
  ):
    options.add_argument(argument)
  options.set_capability('goog:loggingPrefs', {'performance': 'ALL'})
  # With both paths given, selenium downloads nothing.
  browser = webdriver.Chrome(
      options, service.Service(driver, env=dict(os.environ))
  )
  test.addCleanup(browser.quit)
  return browser


def resize(browser, width, height):
  """Sets the size of the page in pixels, even beyond that of a window."""
  browser.execute_cdp_cmd(
      'Emulation.setDeviceMetricsOverride',
      {
          'width': width,
          'height': height,
          'deviceScaleFactor': 1,
          'mobile': False,
      },
  )
