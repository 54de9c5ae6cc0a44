"""That all sections are made of one answer, and with which arguments."""

import os
from unittest import mock

import tensorflow.compat.v1 as tf

from tests.helpers import small_training
from tests.tools.editions import fake_runtime
from tests.tools.editions import historical_fixture
from tools.editions import environments
from tools.parity import old_answers
from tools.parity import old_checkpoints
from tools.parity import old_evaluators
from tools.parity import old_input
from tools.parity import old_losses
from tools.parity import old_runtime
from tools.parity import old_spread
from tools.parity import old_step
from tools.parity import old_tags
from tools.parity import old_times


class OldRuntimeTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.answer = old_answers.Answer(
        '/answer', ['Variable', 'w', 'odd'], [], []
    )
    self.seen = {}
    for module, name in (
        (old_checkpoints, 'checkpoints'),
        (old_step, 'step'),
        (old_tags, 'tags'),
        (old_losses, 'losses'),
        (old_spread, 'runs'),
        (old_times, 'times'),
    ):
      self.replace(module, 'section', self.noting(name))
    self.replace(old_input, 'section', self.noting('input', 'count'))
    self.replace(old_losses, 'train', lambda *unused_args: ([4.5], 2.5))
    self.replace(old_evaluators, 'save_theirs', lambda unused, path: path)
    self.replace(old_evaluators, 'save_ours', lambda _, steps, path: path)
    self.replace(
        old_evaluators,
        'sections',
        lambda *args, their_dir, our_dir: [
            os.path.basename(d) for d in (their_dir, our_dir)
        ],
    )
    self.replace(old_spread, 'train', lambda *args, **sizes: (args, sizes))
    self.replace(old_times, 'measure', lambda *args, **sizes: sizes)

    def ask(source, environment, edition, data_dir, **kwargs):
      self.seen['asked'] = (
          source,
          environment.directory,
          edition.name,
          data_dir,
          kwargs['steps'],
      )
      return self.answer, {'w': 1}

    self.replace(old_answers, 'ask', ask)

  def replace(self, module, name, value):
    self.enter_context(mock.patch.object(module, name, value))

  def noting(self, name, *kept):
    def make(*args, **kwargs):
      self.seen[name] = args + tuple(kwargs[key] for key in kept)
      return name

    return make

  def make(self, **sizes):
    return old_runtime.make_sections(
        '/source',
        environments.Environment(fake_runtime.RUNTIME, '/environment'),
        historical_fixture.OLD,
        '/data',
        sizes=old_runtime.Sizes(**sizes),
        our_meta_graph=small_training.meta_graph(),
    )

  def test_sections_of_one_training(self):
    found = self.make(runtime_steps=7, runtime_images=0, spread_runs=0)
    self.assertEqual(
        ['checkpoints', 'step', 'tags', 'losses', 'of-theirs', 'of-ours'],
        found,
    )
    self.assertEqual(
        ('/source', '/environment', 'a test', '/data', 7), self.seen['asked']
    )
    version, answer, values, _, keys = self.seen['checkpoints']
    self.assertEqual(('0.12.1', {'w': 1}), (version, values))
    self.assertIs(self.answer, answer)
    self.assertEqual({'Variable': 'global_step', 'w': 'w'}, keys.ours)
    self.assertEqual(('odd',), keys.unknown)
    self.assertEqual(old_tags.listed('a test', '0.12.1'), self.seen['tags'][-1])
    self.assertEqual(('0.12.1', self.answer, [4.5], 2.5), self.seen['losses'])

  def test_sections_of_their_own(self):
    found = self.make(
        runtime_images=64, spread_runs=3, spread_steps=20, time_rounds=2
    )
    self.assertEqual(['input', 'runs', 'times'], found[-3:])
    self.assertEqual(64, self.seen['input'][-1])
    version, model, args, sizes = self.seen['runs']
    self.assertEqual(('0.12.1', 'cifar10'), (version, model))
    self.assertEqual(('/source', '/data'), args)
    self.assertEqual((3, 20), (sizes['runs'], sizes['steps']))
    self.assertEqual(
        ('0.12.1', {'version': '0.12.1', 'rounds': 2}), self.seen['times']
    )
