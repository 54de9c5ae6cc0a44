"""The ledger of claims, against counts made by hand."""

from datetime import datetime
import os
import sys
from unittest import mock

import tensorflow.compat.v1 as tf

from cifar10_compat import cifar10
from cifar10_compat import cifar10_input
from tests import record_fixture
from tools import ledger
from tools import training_graph
from tools import training_log

# What the log of a run of 201 steps says in short.
_LOSSES = (4.68, 4.66, 4.64, 4.62, 4.61, 4.59) + 15 * (4.5,)


def _log(every, losses):
  """Returns log lines every so many steps."""
  return [training_log.Line(datetime.now(), every * n, loss, 0.2)
          for n, loss in enumerate(losses)]


_RUN = ledger.Run(
    'Filling queue with 20000 CIFAR images before starting to train.',
    _log(10, _LOSSES), (0, 100, 200))
_SAVED = (0, 1000, 2000, 2001)

# The claims of 2016 that do not hold, on any machine.
_NOT_SAME = {'multiply-adds of one image', 'ops of the training graph, about',
             'hours for 60,000 steps, 1 Tesla K20m',
             'hours for 100,000 steps, 1 Tesla K40m',
             'hours for 30,000 steps, 2 Tesla K20m', 'sec/batch of step 0'}


class LayersTest(tf.test.TestCase):

  def test_a_graph_made_by_hand(self):
    with tf.Graph().as_default():
      image = tf.zeros([1, 8, 6, 3])
      with tf.variable_scope('a'):
        w = tf.get_variable('w', [2, 2, 3, 5])
        b = tf.get_variable('b', [5])
        x = tf.nn.bias_add(tf.nn.conv2d(image, w, 1, 'VALID'), b)
        unused = tf.matmul(tf.zeros([1, 9]), tf.get_variable('v', [9, 9]))
      x = tf.nn.max_pool(x, [1, 7, 5, 1], 5, 'VALID', name='p')
      with tf.variable_scope('z'):
        w = tf.get_variable('w', [5, 2])
        x = tf.matmul(tf.reshape(x, [1, 5]), w) + tf.get_variable('b', [2])
      counted = ledger.layers(x)
      self.assertIsNotNone(unused)
    self.assertEqual([
        # (2 * 2 * 3 + 1) * 5; 7 x 5 positions, 12 products for each of 5 maps.
        ('a', 'Conv2D BiasAdd', (7, 5, 5), 65, 2100),
        ('p', 'MaxPool', (1, 1, 5), 0, 0),
        ('z', 'MatMul AddV2', (2,), 12, 10)], counted)

  def test_our_network(self):
    with tf.Graph().as_default():
      counted = ledger.layers(cifar10.inference(tf.zeros([1, 24, 24, 3])))
    self.assertEqual(
        {'conv1': 4864, 'conv2': 102464, 'local3': 885120, 'local4': 73920,
         'softmax_linear': 1930, 'pool1': 0, 'pool2': 0, 'norm1': 0,
         'norm2': 0}, {l.name: l.parameters for l in counted})
    self.assertEqual(1068298, sum(l.parameters for l in counted))
    # 576 * 75 * 64 + 144 * 1600 * 64 + 2304 * 384 + 384 * 192 + 192 * 10.
    self.assertEqual(18470784, sum(l.multiply_adds for l in counted))
    row = ledger.layer_rows(counted)[-1]
    self.assertEqual(('all', '', '', '1,068,298', '18,470,784'), row)

  def test_cuda_convnet2(self):
    # 2,764,800 + 14,745,600 + 1,327,104 + 663,552 + 11,520.
    self.assertEqual(19512576, ledger.convnet2_multiply_adds())

  def test_first_loss(self):
    self.assertAlmostEqual(
        4.676, ledger.first_loss(884736 + 73728, 0.04, 0.004), places=3)
    self.assertAlmostEqual(0.6931, ledger.first_loss(10, 0.0, 1.0, classes=2),
                           places=4)


class ClaimsTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.data_dir = self.create_tempdir().full_path
    record_fixture.write_batches(self.data_dir,
                                 *record_fixture.random_images(2))

  def claims(self, run=_RUN, saved=_SAVED, evaluated=None):
    """Returns a dict from what a Claim is about to the Claim."""
    with training_graph.Training(
        training_graph.ours(self.data_dir)) as training:
      found, self.counted = ledger.claims(training, run, saved, evaluated)
    self.assertLen({c.what for c in found}, len(found))
    return {c.what: c for c in found}

  def unexplained(self, **arguments):
    return {what for what, c in self.claims(**arguments).items()
            if c.unexplained}

  def test_as_it_is(self):
    found = self.claims()
    self.assertEqual(_NOT_SAME,
                     {what for what, c in found.items() if c.same is False})
    self.assertEmpty([c for c in found.values() if c.unexplained])
    self.assertEqual('1,068,298', found['parameters'].found)
    self.assertIn('19,512,576', found['multiply-adds of one image'].why)
    self.assertEqual('4.676', found['loss of step 0, to be expected'].found)
    self.assertIs(None, found['precision after 60K steps'].same)
    self.assertIn('0.200 on %d CPUs' % os.cpu_count(),
                  found['sec/batch, 1 Tesla K20m'].found)
    content = ledger.section(list(found.values()), self.counted)
    self.assertEqual(0, content['unexplained'])
    self.assertIn('6 are not', content['text'][0])

  def test_a_changed_constant(self):
    with mock.patch.object(cifar10, 'MOVING_AVERAGE_DECAY', 0.999), \
        mock.patch.object(cifar10_input, 'NUM_PREPROCESS_THREADS', 8), \
        mock.patch.object(cifar10, 'INITIAL_LEARNING_RATE', 0.2), \
        mock.patch.object(cifar10, 'NUM_EPOCHS_PER_DECAY', 300.0):
      found = self.claims()
    wrong = [c for c in found.values() if c.unexplained]
    self.assertEqual({
        'decay of the averaged weights', 'threads that fill it',
        'learning rate at the start',
        'its factor after 350 epochs (at steps 136,717 and 136,718)'},
                     {c.what for c in wrong})
    self.assertEqual(4, ledger.section(
        list(found.values()), self.counted)['unexplained'])
    self.assertEqual('8', found['threads that fill it'].found)
    self.assertIn('UNEXPLAINED', ledger.rows(wrong)[0])

  def test_a_reason_holds_for_what_it_was_given_for(self):
    inference = cifar10.inference

    def padded(images, *args):
      return inference(tf.pad(images, [[0, 0], [0, 2], [0, 2], [0, 0]]), *args)
    with training_graph.Training(
        training_graph.ours(self.data_dir)) as training, \
        mock.patch.object(cifar10, 'inference', padded):
      found, _ = ledger.claims(training, _RUN, _SAVED)
    self.assertContainsSubset(
        {'multiply-adds of one image', 'parameters'},
        {c.what for c in found if c.unexplained})

  def test_another_run(self):
    run = _RUN._replace(
        output='', log=_log(20, [4.7 - 0.01 * n for n in range(11)]),
        summaries=(0, 50, 100))
    self.assertEqual(
        {'"Filling queue with ... images"', 'losses of steps 0 to 50',
         'steps between two lines of the log', 'steps between two summaries',
         'steps between two checkpoints, and a last one'},
        self.unexplained(run=run, saved=(0, 1000, 2000)))

  def test_a_run_that_printed_nothing(self):
    self.assertContainsSubset(
        {'losses of steps 0 to 50', 'steps between two lines of the log'},
        self.unexplained(run=ledger.Run('', (), ())))

  def test_precisions(self):
    def same(*evaluated):
      found = self.claims(evaluated=evaluated)
      return [found[what].same for what in (
          'precision after 60K steps', 'precision after 100K steps',
          'gain of averaged weights, about')]
    self.assertEqual([None, None, True], same(10000, 0.78, 0.75))
    self.assertEqual([True, None, False], same(60000, 0.855, 0.80))
    self.assertEqual([False, False, True], same(100000, 0.83, 0.80))
    found = self.claims(evaluated=(100000, 0.7, 0.71))
    self.assertTrue(found['precision after 60K steps'].unexplained)
    self.assertTrue(found['gain of averaged weights, about'].unexplained)


class RunsTest(tf.test.TestCase):

  def test_saved_steps(self):
    self.assertEqual(_SAVED, ledger.saved_steps())

  def test_short_run(self):
    data_dir = self.create_tempdir().full_path
    record_fixture.write_batches(data_dir, *record_fixture.random_images(20))
    with mock.patch.object(ledger, '_STEPS', 11):
      run = ledger.short_run(data_dir)
    self.assertEqual([0, 10], [line.step for line in run.log])
    self.assertNear(4.68, run.log[0].loss, 0.03)
    self.assertGreater(run.log[1].sec_per_batch, 0)
    self.assertEqual((0,), run.summaries)

    train_dir = self.create_tempdir().full_path
    with mock.patch('builtins.print') as printed:
      self.assertEqual(1, ledger.main(['--data_dir=' + data_dir,
                                       '--our_run=' + train_dir]))
      self.assertIn('has no checkpoint', printed.call_args[0][0])

  def test_command_line(self):
    with mock.patch('builtins.print') as printed:
      for arguments, message in (([], '--data_dir'),
                                 (['--data_dir=/no/such'], '/no/such')):
        self.assertEqual(1, ledger.main(arguments))
        printed.assert_called_once()
        self.assertStartsWith(printed.call_args[0][0], 'ledger: error: ')
        self.assertIn(message, printed.call_args[0][0])
        self.assertIs(sys.stderr, printed.call_args[1]['file'])
        printed.reset_mock()

  def test_table(self):
    claim = ledger.Claim('a', 'b', '1', '2', 'c', False, '')
    data_dir = self.create_tempdir().full_path
    record_fixture.write_batches(data_dir, *record_fixture.random_images(2))
    with mock.patch.object(ledger, 'make', return_value=([claim], [])), \
        mock.patch('builtins.print') as printed:
      self.assertEqual(1, ledger.main(['--data_dir=' + data_dir]))
    text = '\n'.join(call[0][0] for call in printed.call_args_list)
    self.assertRegex(text, r'\na +1 +2 +no +UNEXPLAINED +c +b\n')
    self.assertIn('1 of those that are not the same have no reason', text)


if __name__ == '__main__':
  tf.disable_v2_behavior()
  tf.test.main()
