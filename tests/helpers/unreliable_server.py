"""An HTTP server on this machine that fails according to a script."""

import contextlib
import http.server
import threading


class Server(object):
  """Serves one body at any path; each request uses the next item of `script`.

  Attributes:
    script: list of functions of a Handler that answer it; after the last one,
      Handler.whole() answers.
    paths: list of the requests' paths.
    ranges: list of their Range headers, '' if missing.
    url: str.
    body: bytes.
  """

  def __init__(self, body):
    self.body = body
    self.script = []
    self.paths = []
    self.ranges = []
    self.closing = threading.Event()
    self._server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    self._server.owner = self
    self.url = 'http://127.0.0.1:%d/set.tar.gz' % self._server.server_port
    self._thread = threading.Thread(
        target=self._server.serve_forever, args=(0.01,)
    )
    self._thread.start()

  def close(self):
    self.closing.set()
    self._server.shutdown()
    self._server.server_close()
    self._thread.join()


class Handler(http.server.BaseHTTPRequestHandler):
  """One request; scripts consist of its methods."""

  def do_GET(self):
    owner = self.server.owner
    owner.paths.append(self.path)
    owner.ranges.append(self.headers.get('Range', ''))
    (owner.script.pop(0) if owner.script else Handler.whole)(self)

  def log_message(self, *args):
    pass

  def _send(self, status, headers, body=b''):
    self.send_response(status)
    for name, value in headers:
      self.send_header(name, value)
    self.end_headers()
    self.wfile.write(body)

  def whole(self, sent=None, total=None):
    """Sends the requested bytes, or the first `sent` of them."""
    body = self.server.owner.body
    total = len(body) if total is None else total
    asked = self.headers.get('Range')
    start = int(asked[len('bytes=') : -1]) if asked else 0
    headers = [('Content-Length', str(total - start))]
    if asked:
      part = 'bytes %d-%d/%d' % (start, total - 1, total)
      headers.append(('Content-Range', part))
    self._send(206 if asked else 200, headers, body[start:][:sent])

  def ignore_range(self, sent=None):
    """Sends everything from the beginning, ignoring a requested range."""
    del self.headers['Range']
    self.whole(sent)

  def error(self, status):
    self._send(status, [('Content-Length', '0')])

  def stall(self, sent):
    """Sends a few bytes, then nothing until the server closes."""
    self.whole(sent)
    self.wfile.flush()
    self.server.owner.closing.wait()

  def drip(self, secs):
    """Sends one byte every so many seconds, without end."""
    self.whole(0)
    with contextlib.suppress(OSError):  # The client may give up.
      while not self.server.owner.closing.wait(secs):
        self.wfile.write(b'x')
        self.wfile.flush()

  def chunked(self):
    """Sends everything in chunks, without a length."""
    self.protocol_version = 'HTTP/1.1'
    self.send_response(200)
    self.send_header('Transfer-Encoding', 'chunked')
    self.end_headers()
    body = self.server.owner.body
    for part in (body[:1000], body[1000:], b''):
      self.wfile.write(b'%x\r\n%s\r\n' % (len(part), part))
    self.close_connection = True

  def raw(self, body, headers=()):
    """Sends these bytes without a length."""
    self._send(200, headers, body)

  def redirect(self, url):
    self._send(302, [('Location', url), ('Content-Length', '0')])


def call(name, *args, **kwargs):
  """Returns an item of a script: a method of Handler, with these arguments."""
  return lambda handler: getattr(handler, name)(*args, **kwargs)
