"""Downloads from hosts that fail, stall, send wrong sizes, or ignore ranges."""

import hashlib
import os
import signal
from unittest import mock

from absl.testing import absltest
import numpy as np

from cifar10_compat.base import errors
from cifar10_compat.base import signals
from cifar10_compat.data import fetch
from tests.helpers import unreliable_server

call = unreliable_server.call


class FetchTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    # More than the client reads at once, so that a cut falls inside.
    self.body = np.random.RandomState(1).bytes(300000)
    self.server = unreliable_server.Server(self.body)
    self.addCleanup(self.server.close)
    self.path = os.path.join(self.create_tempdir().full_path, 'set.tar.gz')
    self.stop = signals.StopRequest()

  def fetch(self, *script, urls=None, timeout_secs=(10, 60)):
    self.server.script = list(script)
    fetch.fetch(
        urls or [self.server.url],
        self.path,
        size=len(self.body),
        sha256=hashlib.sha256(self.body).hexdigest(),
        stop=self.stop,
        first_wait_secs=0.01,
        timeout_secs=timeout_secs,
    )

  def assert_whole(self, *ranges):
    """Checks that only the complete file exists, after these range requests."""
    with open(self.path, 'rb') as f:
      self.assertEqual(self.body, f.read())
    self.assertEqual(['set.tar.gz'], os.listdir(os.path.dirname(self.path)))
    self.assertEqual(list(ranges), self.server.ranges)

  def assert_fails(self, pattern, *script, **kwargs):
    with self.assertRaisesRegex(errors.DataError, pattern) as raised:
      self.fetch(*script, **kwargs)
    self.assertFalse(os.path.exists(self.path))
    return str(raised.exception)

  def part(self):
    with open(self.path + '.part', 'rb') as f:
      return f.read()

  def test_at_once(self):
    self.fetch()
    self.assert_whole('')

  def test_chunked(self):
    self.fetch(call('chunked'))
    self.assert_whole('')

  def test_resumes_after_cuts(self):
    self.fetch(call('whole', 100000), call('whole', 1), call('whole', 0))
    self.assert_whole('', 'bytes=100000-', 'bytes=100001-', 'bytes=100001-')

  def test_resumes_in_the_next_run(self):
    with open(self.path + '.part', 'wb') as f:
      f.write(self.body[:123456])
    self.fetch()
    self.assert_whole('bytes=123456-')

  def test_part_of_another_file(self):
    with open(self.path + '.part', 'wb') as f:
      f.write(b'x' * 123456)
    self.fetch()
    self.assert_whole('bytes=123456-', '')

  def test_part_that_is_too_long(self):
    with open(self.path + '.part', 'wb') as f:
      f.write(self.body + b'x')
    self.fetch()
    self.assert_whole('')

  def test_whole_part(self):
    with open(self.path + '.part', 'wb') as f:
      f.write(self.body)
    self.fetch()
    self.assert_whole()

  def test_no_ranges(self):
    self.fetch(
        call('whole', 100000),
        call('ignore_range', 100001),
        call('ignore_range'),
    )
    self.assert_whole('', 'bytes=100000-', 'bytes=100001-')

  def test_stalls(self):
    self.fetch(call('stall', 100000), timeout_secs=(10, 0.5))
    self.assert_whole('', 'bytes=100000-')

  def test_drips(self):
    message = self.assert_fails(
        'it sent [0-9]+ bytes in 0.3 seconds',
        *[call('drip', 0.05)] * fetch.MAX_FUTILE_TRIES,
        timeout_secs=(10, 0.3),
    )
    self.assertNotIn('timed out', message)

  def test_errors_that_pass(self):
    self.fetch(call('error', 503), call('error', 429), call('error', 500))
    self.assert_whole('', '', '', '')

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
    self.assertEqual(self.body[:5000], self.part())

  def test_gives_up_when_hardly_anything_comes(self):
    self.assert_fails('after 6 of 300000 bytes', *[call('whole', 1)] * 20)
    self.assertLen(self.server.ranges, 6)

  def test_links_are_not_followed(self):
    precious = self.create_tempfile(content='precious').full_path
    os.symlink(precious, self.path + '.part')
    with self.assertRaisesRegex(OSError, 'it is a link'):
      self.fetch()
    with open(precious) as f:
      self.assertEqual('precious', f.read())

  def test_a_file_that_is_not_there_is_asked_for_once(self):
    self.assert_fails('404 Not Found', call('error', 404))
    self.assertLen(self.server.ranges, 1)

  def test_the_next_url_goes_on(self):
    mirror = unreliable_server.Server(self.body)
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

  def test_redirect(self):
    self.fetch(call('redirect', '/elsewhere'))
    self.assert_whole('', '')

  def test_redirect_to_no_url(self):
    self.assert_fails('Invalid IPv6 URL', call('redirect', 'http://[::1'))

  def test_redirects_without_end(self):
    self.assert_fails('30 redirects', *[call('redirect', '/again')] * 100)
    self.assertLen(self.server.ranges, 31)

  def test_garbage_of_the_right_size(self):
    garbage = unreliable_server.Server(b'x' * len(self.body))
    self.addCleanup(garbage.close)
    self.fetch(urls=[garbage.url, self.server.url])
    self.assert_whole('')

  def test_garbage_alone(self):
    self.server.body = b'x' * len(self.body)
    self.assert_fails('its 300000 bytes do not have the SHA-256')
    self.assertFalse(os.path.exists(self.path + '.part'))

  def test_another_size(self):
    self.assert_fails(
        'its file has 299999 bytes, not 300000', call('whole', total=299999)
    )
    self.assert_fails(
        'its file has 300001 bytes, not 300000',
        call('whole', 10),
        call('whole', total=300001),
    )

  def test_more_than_it_says(self):
    self.assert_fails(
        'it sends more than 300000 bytes', call('raw', self.body + b'x')
    )

  def test_less_without_a_length(self):
    self.fetch(call('raw', self.body[:1000]))
    self.assert_whole('', 'bytes=1000-')

  def test_another_range_than_asked_for(self):
    def shifted(handler):
      handler.headers.replace_header('Range', 'bytes=7-')
      handler.whole()

    self.assert_fails(
        "asked for bytes from 100, it sent 'bytes 7-299999'",
        call('whole', 100),
        shifted,
    )

  def test_shorter_than_what_has_come(self):
    self.assert_fails(
        'it has no byte 100', call('whole', 100), call('error', 416)
    )

  def test_is_not_unpacked_on_the_way(self):
    self.fetch(call('raw', self.body, [('Content-Encoding', 'gzip')]))
    self.assert_whole('')

  def test_stopped(self):
    def ask_to_stop(handler):
      handler.whole(100000)
      self.stop.signum = signal.SIGINT

    self.assert_fails('stopped downloading .* which are kept', ask_to_stop)
    self.assertLessEqual(len(self.part()), 100000)
    self.assertTrue(self.body.startswith(self.part()))

  def test_part_that_cannot_be_written(self):
    os.mkdir(self.path + '.part')
    with self.assertRaises(OSError):
      self.fetch()
