"""Downloads from hosts that fail, stall, send wrong sizes, or ignore ranges."""

import hashlib
import os
import pathlib
import signal
from unittest import mock

from absl.testing import parameterized
import numpy as np

from cifar10_compat.base import errors
from cifar10_compat.base import signals
from cifar10_compat.data import fetch
from tests.helpers import unreliable_server

call = unreliable_server.call
# More than the client reads at once, so that a cut falls inside.
_BODY = np.random.RandomState(1).bytes(300000)


def _shifted(handler):
  """Answers with another range than the one asked for."""
  handler.headers.replace_header('Range', 'bytes=7-')
  handler.whole()


class FetchTest(parameterized.TestCase):

  def setUp(self):
    super().setUp()
    self.server = unreliable_server.Server(_BODY)
    self.addCleanup(self.server.close)
    self.path = os.path.join(self.create_tempdir().full_path, 'set.tar.gz')
    self.part = pathlib.Path(self.path + '.part')
    self.stop = signals.StopRequest()

  def fetch(self, *script, urls=None, timeout_secs=(10, 60)):
    self.server.script = list(script)
    fetch.fetch(
        urls or [self.server.url],
        self.path,
        size=len(_BODY),
        sha256=hashlib.sha256(_BODY).hexdigest(),
        stop=self.stop,
        first_wait_secs=0.01,
        timeout_secs=timeout_secs,
    )

  def assert_whole(self, *ranges):
    """Checks that only the complete file exists, after these range requests."""
    self.assertEqual(_BODY, pathlib.Path(self.path).read_bytes())
    self.assertEqual(['set.tar.gz'], os.listdir(os.path.dirname(self.path)))
    self.assertEqual(list(ranges), self.server.ranges)

  def assert_fails(self, pattern, *script, **kwargs):
    with self.assertRaisesRegex(errors.DataError, pattern) as raised:
      self.fetch(*script, **kwargs)
    self.assertFalse(os.path.exists(self.path))
    return str(raised.exception)

  @parameterized.named_parameters(
      ('at_once', [], ['']),
      (
          'after_cuts',
          [call('whole', 100000), call('whole', 1), call('whole', 0)],
          ['', 'bytes=100000-', 'bytes=100001-', 'bytes=100001-'],
      ),
      (
          'without_ranges',
          [
              call('whole', 100000),
              call('ignore_range', 100001),
              call('ignore_range'),
          ],
          ['', 'bytes=100000-', 'bytes=100001-'],
      ),
      (
          'after_errors_that_pass',
          [call('error', 503), call('error', 429), call('error', 500)],
          ['', '', '', ''],
      ),
      ('after_a_redirect', [call('redirect', '/elsewhere')], ['', '']),
      ('in_chunks', [call('chunked')], ['']),
      (
          'after_less_without_a_length',
          [call('raw', _BODY[:1000])],
          ['', 'bytes=1000-'],
      ),
      (
          'without_being_unpacked',
          [call('raw', _BODY, [('Content-Encoding', 'gzip')])],
          [''],
      ),
  )
  def test_fetched(self, script, ranges):
    self.fetch(*script)
    self.assert_whole(*ranges)

  @parameterized.named_parameters(
      ('of_an_earlier_run', _BODY[:123456], ['bytes=123456-']),
      ('of_another_file', b'x' * 123456, ['bytes=123456-', '']),
      ('that_is_too_long', _BODY + b'x', ['']),
      ('that_is_complete', _BODY, []),
  )
  def test_part(self, contents, ranges):
    self.part.write_bytes(contents)
    self.fetch()
    self.assert_whole(*ranges)

  def test_stalls(self):
    self.fetch(call('stall', 100000), timeout_secs=(10, 0.5))
    self.assert_whole('', 'bytes=100000-')

  def test_drips(self):
    message = self.assert_fails(
        'the server sent [0-9]+ bytes in 0.3 seconds',
        *[call('drip', 0.05)] * fetch.MAX_FUTILE_TRIES,
        timeout_secs=(10, 0.3),
    )
    self.assertNotIn('timed out', message)

  def test_gives_up_when_nothing_comes_any_more(self):
    # The first trial received bytes, the next six did not.
    message = self.assert_fails(
        'after 5000 of 300000 bytes',
        call('whole', 5000),
        *[call('whole', 0)] * 100,
    )
    self.assertLen(self.server.ranges, 1 + fetch.MAX_FUTILE_TRIES)
    for remedy in (
        'try again later',
        '--data_url',
        'yourself',
        '--dataset=synthetic',
    ):
      self.assertIn(remedy, message)
    self.assertEqual(_BODY[:5000], self.part.read_bytes())

  @parameterized.named_parameters(
      (
          'when_hardly_anything_comes',
          'after 6 of 300000 bytes',
          [call('whole', 1)] * 20,
          6,
      ),
      ('if_it_is_missing', '404 Not Found', [call('error', 404)], 1),
      (
          'after_redirects_without_end',
          '30 redirects',
          [call('redirect', '/again')] * 100,
          31,
      ),
      (
          'after_a_redirect_to_no_url',
          'Invalid IPv6 URL',
          [call('redirect', 'http://[::1')],
          1,
      ),
      (
          'if_it_is_shorter',
          'the file has 299999 bytes, not 300000',
          [call('whole', total=299999)],
          1,
      ),
      (
          'if_it_is_longer',
          'the file has 300001 bytes, not 300000',
          [call('whole', 10), call('whole', total=300001)],
          2,
      ),
      (
          'if_it_sends_more',
          'the server sent more than 300000 bytes',
          [call('raw', _BODY + b'x')],
          1,
      ),
      (
          'if_it_sends_another_range',
          'bytes from 100 on were requested, but the server sent '
          "'bytes 7-299999'",
          [call('whole', 100), _shifted],
          2,
      ),
      (
          'if_it_is_shorter_than_what_has_come',
          "the server's file has at most 100 bytes, not 300000",
          [call('whole', 100), call('error', 416)],
          2,
      ),
  )
  def test_gives_up(self, pattern, script, requests):
    self.assert_fails(pattern, *script)
    self.assertLen(self.server.ranges, requests)

  def test_links_are_not_followed(self):
    precious = self.create_tempfile(content='precious').full_path
    self.part.symlink_to(precious)
    with self.assertRaisesRegex(OSError, 'it is a link'):
      self.fetch()
    self.assertEqual('precious', pathlib.Path(precious).read_text())

  def test_the_next_url_goes_on(self):
    mirror = unreliable_server.Server(_BODY)
    self.addCleanup(mirror.close)
    mirror.script = [call('whole', 5000), call('error', 410)]
    self.fetch(
        urls=['nothing', 'http://127.0.0.1:1/x', mirror.url, self.server.url]
    )
    self.assertEqual(['', 'bytes=5000-'], mirror.ranges)
    self.assert_whole('bytes=5000-')

  def test_all_urls_are_named(self):
    message = self.assert_fails(
        '',
        call('error', 403),
        urls=[
            'file:///etc/passwd',
            self.server.url.replace('://', '://me:secret@'),
        ],
    )
    self.assertIn('file:///etc/passwd (No connection adapters', message)
    self.assertIn(', nor %s (403 Forbidden)' % self.server.url, message)

  def test_missing_certificates(self):
    with mock.patch.dict(os.environ, REQUESTS_CA_BUNDLE='/no/certificates'):
      self.assert_fails(
          r'https://\S* \(Could not find .*/no/certificates\)',
          urls=[self.server.url.replace('http:', 'https:')],
      )

  def test_garbage_of_the_right_size(self):
    garbage = unreliable_server.Server(b'x' * len(_BODY))
    self.addCleanup(garbage.close)
    self.fetch(urls=[garbage.url, self.server.url])
    self.assert_whole('')

  def test_garbage_alone(self):
    self.server.body = b'x' * len(_BODY)
    self.assert_fails('the 300000 bytes do not have the SHA-256')
    self.assertFalse(self.part.exists())

  def test_stopped(self):
    def ask_to_stop(handler):
      handler.whole(100000)
      self.stop.signum = signal.SIGINT

    self.assert_fails('stopped downloading .* which are kept', ask_to_stop)
    self.assertLessEqual(self.part.stat().st_size, 100000)
    self.assertStartsWith(_BODY, self.part.read_bytes())

  def test_part_that_cannot_be_written(self):
    self.part.mkdir()
    with self.assertRaises(OSError):
      self.fetch()
