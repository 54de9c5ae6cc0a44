"""TensorBoard in a real browser, on what the programs wrote for it.

Trains and evaluates before.  With --logdir it shows runs that are there: the
README's pictures were made so, on larger ones.  Pictures go to
TEST_UNDECLARED_OUTPUTS_DIR, which Bazel sets.

Skipped where there is no Chromium, but never where the environment has CI.
"""

import base64
import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import urllib.parse
import urllib.request

from absl import flags
from absl.testing import absltest
from selenium.common import exceptions
from selenium.webdriver.support import wait

from tests.helpers import browser
from tests.helpers import program
from tests.helpers import record_fixture
from tests.helpers import small_cluster
from tools.base import processes

_LOGDIR = flags.DEFINE_string(
    'logdir', None, 'Has the runs eval, towers, train and workers already.'
)

_RUNS = ['eval', 'towers', 'train', 'workers']
_LAYERS = ['conv1', 'conv2', 'local3', 'local4', 'softmax_linear']

_WAIT_SECS = 300
_WIDTH = 1520  # Three cards lie side by side.

# Elements within another, or within the page; most are in a shadow tree.
_FIND = """
const [selector, within] = arguments;
const found = [];
const walk = root => {
  for (const e of root.querySelectorAll('*')) {
    if (e.matches(selector)) found.push(e);
    if (e.shadowRoot) walk(e.shadowRoot);
  }
};
walk(within ? within.shadowRoot || within : document);
return found;
"""

# The graph without what surrounds it, so that its names are large enough.
_MAIN_GRAPH = 'g.core'

# The place of an element on the page, with a margin.
_BOX = """
const box = arguments[0].getBoundingClientRect();
const margin = 8;
return {
  x: box.x - margin,
  y: box.y - margin,
  width: box.width + 2 * margin,
  height: box.height + 2 * margin,
};
"""


def _train(logdir):
  """Makes a small run of each kind in a directory."""
  data_dir = os.path.join(os.path.dirname(logdir), 'data')
  images = record_fixture.random_images(200)
  record_fixture.write_batches(data_dir, *images)
  common = ['--data_dir=' + data_dir, '--batch_size=8']
  run_dir = {run: os.path.join(logdir, run) for run in _RUNS}

  def start(module, *args):
    started.append(program.Program(module, *args, *common, forked=True))

  def finish():
    while started:
      code, out, err = started.pop().finish()
      if code or err:
        raise AssertionError('exit code %d: %s%s' % (code, out, err))

  cluster = small_cluster.SmallCluster(
      record_fixture.write_set(data_dir, *images),
      run_dir['workers'],
      '--max_steps=2',
  )
  started = cluster.start_all()
  try:
    # Summaries come with steps 0 and 100.
    start('cifar10_train', '--train_dir=' + run_dir['train'], '--max_steps=101')
    start(
        'cifar10_multi_gpu_train',
        '--train_dir=' + run_dir['towers'],
        '--max_steps=2',
        '--num_gpus=2',
        '--tower_devices=cpu',
    )
    finish()
    start(
        'cifar10_eval',
        '--checkpoint_dir=' + run_dir['train'],
        '--eval_dir=' + run_dir['eval'],
        '--run_once',
    )
    finish()
  finally:
    for running in started:
      running.process.kill()
      running.finish()


class BoardBrowserTest(absltest.TestCase):

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    browser.programs()
    logdir = _LOGDIR.value
    if not logdir:
      scratch = tempfile.TemporaryDirectory()
      cls.addClassCleanup(scratch.cleanup)
      logdir = os.path.join(scratch.name, 'logs')
      _train(logdir)
    cls.board = processes.start(
        'tools.run.board',
        ['--logdir=' + logdir, '--port=0'],
        stderr=subprocess.PIPE,
    )
    cls.addClassCleanup(cls.end_board)
    printed = ''
    while not re.search(r'http://localhost:\d+/ ', printed):
      line = cls.board.stderr.readline()
      if not line:
        raise AssertionError('no address in ' + printed)
      printed += line
    cls.url = re.search(r'http://localhost:\d+/', printed)[0]

  @classmethod
  def end_board(cls):
    cls.board.send_signal(signal.SIGINT)
    _, err = cls.board.communicate()
    if cls.board.returncode or err:
      raise AssertionError('exit code %d: %s' % (cls.board.returncode, err))

  def setUp(self):
    super().setUp()
    self.browser = browser.start(self)
    self.addCleanup(self.check_requests)
    # It serves before it has read the runs.
    self.wait(lambda: sorted(self.get('data/runs')) == _RUNS)
    self.wait(lambda: sorted(self.get('data/plugin/images/tags')) == _RUNS)

  def check_requests(self):
    """Fails if the page has asked anybody but its own server."""
    asked = set()
    for entry in self.browser.get_log('performance'):
      message = json.loads(entry['message'])['message']
      if message['method'] == 'Network.requestWillBeSent':
        asked.add(message['params']['request']['url'])
    self.assertTrue([u for u in asked if u.startswith(self.url + 'data/')])
    self.assertEmpty(
        [
            u
            for u in asked
            if re.match('(http|ws)', u) and not u.startswith(self.url)
        ]
    )

  def get(self, path):
    with urllib.request.urlopen(self.url + path) as response:
      return json.load(response)

  def wait(self, condition):
    """Waits until a function returns something true, and returns that."""
    return wait.WebDriverWait(
        self.browser,
        _WAIT_SECS,
        ignored_exceptions=[exceptions.StaleElementReferenceException],
    ).until(lambda _: condition())

  def find(self, selector, within=None):
    return self.browser.execute_script(_FIND, selector, within)

  def open(self, dashboard, height, **state):
    browser.resize(self.browser, _WIDTH, height)
    # Another fragment alone would not load the page again.
    self.browser.get('about:blank')
    self.browser.get(
        self.url
        + '#'
        + '&'.join(
            [dashboard]
            + [
                '%s=%s' % (name, urllib.parse.quote(value))
                for name, value in state.items()
            ]
        )
    )

  def cards(self, selector, parts, *, enough, expected):
    """Waits for cards on which enough is drawn.

    Args:
      selector: str, of a card.
      parts: str, the selector of what is drawn on it.
      enough: function of these elements that returns whether they are.
      expected: set of (run, tag), run is '' on a card of all runs.

    Returns:
      dict from (run, tag) to the text of the card.
    """

    def drawn():
      found = {}
      for card in self.find(selector):
        tag = re.search('^tag: (.*)$', card.text, re.MULTILINE)
        run = [line for line in card.text.splitlines() if line in _RUNS]
        if tag and enough(self.find(parts, card)):
          found[''.join(run[:1]), tag[1]] = card.text
      return expected <= set(found) and found

    return self.wait(drawn)

  def picture(self, name, selector=None):
    """Takes a picture of the page, or of what a selector finds in it."""
    directory = os.environ.get('TEST_UNDECLARED_OUTPUTS_DIR')
    if not directory:
      return
    pictures = [None]

    def still():
      pictures.append(self.clip(selector))
      return pictures[-1] == pictures[-2]

    self.wait(still)
    pathlib.Path(directory, name + '.png').write_bytes(pictures[-1])

  def clip(self, selector):
    """Returns a screenshot as PNG; of a part, with twice the resolution."""
    if not selector:
      return self.browser.get_screenshot_as_png()
    part = self.browser.execute_script(_BOX, self.find(selector)[0])
    taken = self.browser.execute_cdp_cmd(
        'Page.captureScreenshot', {'clip': dict(part, scale=2)}
    )
    return base64.b64decode(taken['data'])

  def test_first_page_lists_the_runs(self):
    self.open('', 900)
    self.wait(
        lambda: [t.text.split()[1:] for t in self.find('runs-table')] == [_RUNS]
    )

  def test_scalars(self):
    network = {l + '/' + l + '/sparsity' for l in _LAYERS}
    losses = {'cross_entropy', 'cross_entropy (raw)', 'learning_rate'}
    total = {'total_loss', 'total_loss (raw)'}
    for run, tags in (
        # A tag does not contain the tower's name, but that of its second sum.
        ('towers', network | losses | {'total_loss_1', 'total_loss_1 (raw)'}),
        ('workers', network | losses | total),
        ('train', network | losses | total),
        ('eval', network | {'Precision @ 1'}),
    ):
      self.scalars(run, '^(%s)$' % '|'.join(map(re.escape, tags)), tags)
    queue = 'queue/input_producer/fraction_of_32_full'
    found = self.scalars('train', '^queue/', {queue})
    (shuffling,) = [tag for _, tag in found if tag.startswith('queue/sh')]
    self.assertRegex(
        shuffling, r'^queue/shuffle_batch/fraction_over_20000_of_\d+_full$'
    )
    self.scalars(
        'train|eval',
        '^(Prec|conv|cross|learn|queue/in|total_loss( |$))',
        losses
        | total
        | {
            'Precision @ 1',
            'conv1/conv1/sparsity',
            'conv2/conv2/sparsity',
            queue,
        },
    )
    # Of a handful of evaluations the first and the last would be outliers.
    self.choose('paper-checkbox', 'Ignore outliers in chart scaling')
    self.picture('scalars')

  def scalars(self, runs, tag_filter, tags):
    """Waits for the curves of some runs, and returns their cards."""
    self.open(
        'scalars',
        1000,
        regexInput='^(%s)$' % runs,
        _smoothingWeight='0',
        tagFilter=tag_filter,
    )
    return self.cards(
        'tf-scalar-card',
        'path.line, path.symbol',
        enough=bool,
        expected={('', tag) for tag in tags},
    )

  def test_histograms(self):
    # A card for each run: no more than twelve, which is a page.
    self.open('histograms', 1500, tagFilter='^(conv1|conv2|local3)/.*activ')
    self.cards(
        'tf-histogram-loader',
        'path.outline',
        enough=bool,
        expected={
            (run, '%s/%s/activations' % (l, l))
            for run in _RUNS
            for l in _LAYERS[:3]
        },
    )
    shown = {
        '%s/%s' % (l, of)
        for l in ('conv1', 'conv2', 'local3')
        for of in (l + '/activations', 'weights', 'weights/gradients')
    }
    self.open(
        'histograms',
        900,
        regexInput='train',
        tagFilter='^(conv.|local3)/.*(activ|weights)',
    )
    self.cards(
        'tf-histogram-loader',
        'path.outline',
        enough=lambda steps: len(steps) > 1,
        expected={('train', tag) for tag in shown},
    )
    self.picture('histograms')

  def test_images(self):
    for height, runs in ((2200, _RUNS), (1050, ['eval', 'train'])):
      self.open('images', height, regexInput='|'.join(runs))
      self.cards(
          'tf-image-loader',
          'img',
          enough=lambda images: images
          and images[0].get_property('naturalWidth') == 24,
          expected={(r, 'images/image/%d' % i) for r in runs for i in range(3)},
      )
    self.picture('images')

  def test_graphs_and_devices(self):
    self.open('graphs', 900)
    self.choose('paper-item', 'eval')
    self.wait_for_nodes(_LAYERS + ['pool1', 'norm1', 'batch', 'in_top_k'])
    self.picture('graph', _MAIN_GRAPH)

    self.choose('paper-toggle-button', 'Auto-extract high-degree nodes')
    for run, nodes, devices in (
        ('train', ['shuffle_batch', 'gradients', 'total_loss'], ['CPU:0']),
        (
            'workers',
            ['gradients', 'total_loss', 'sync_replicas'],
            ['ps/task:0/device:CPU:0', 'worker/task:0/device:CPU:0'],
        ),
        ('towers', ['tower_0', 'tower_1'], ['0', '1']),
    ):
      self.choose('paper-item', run)
      self.wait_for_nodes(_LAYERS + nodes)
      self.wait(lambda expected=devices: self.devices() == expected)
    browser.resize(self.browser, _WIDTH, 620)
    self.picture('devices', _MAIN_GRAPH)

  def devices(self):
    """Colors the nodes by device; returns the devices that the legend names."""
    # A graph that was still on its way would have undone an earlier choice.
    self.choose('paper-radio-button', 'Device')
    legend = [e.text for e in self.find('.color-legend-value')]
    return [text for text in legend if text and text != 'unknown device']

  def choose(self, selector, text):
    """Clicks what has a text, in a closed menu too."""
    chosen = self.wait(
        lambda: [
            e
            for e in self.find(selector)
            if e.get_property('textContent').strip() == text
        ]
    )
    self.browser.execute_script('arguments[0].click()', chosen[0])

  def wait_for_nodes(self, names):
    self.wait(
        lambda: set(names)
        <= {e.get_attribute('data-name') for e in self.find('g.node')}
    )
