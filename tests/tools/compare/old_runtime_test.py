"""That all sections are made of one answer, and with which arguments."""

from unittest import mock

import tensorflow.compat.v1 as tf

from tests.helpers import fake_runtime
from tests.helpers import historical_fixture
from tests.helpers import small_training
from tools.compare import old_answers
from tools.compare import old_checkpoints
from tools.compare import old_runtime
from tools.compare import old_step
from tools.compare import old_tags
from tools.runtime import environments


class OldRuntimeTest(tf.test.TestCase):

  def test_make_sections(self):
    answer = old_answers.Answer('/answer', ['Variable', 'w', 'odd'], [], [])
    seen = {}

    def ask(source, environment, edition, data_dir, **kwargs):
      seen['asked'] = (source, environment.directory, edition.name, data_dir)
      seen['steps'] = kwargs['steps']
      return answer, {'w': 1}

    def section(name):
      def make(version, given, *rest):
        self.assertIs(answer, given)
        seen[name] = (version, *rest)
        return name

      return make

    with (
        mock.patch.object(old_answers, 'ask', ask),
        mock.patch.object(old_checkpoints, 'section', section('checkpoints')),
        mock.patch.object(old_step, 'section', section('step')),
        mock.patch.object(old_tags, 'section', section('tags')),
    ):
      found = old_runtime.make_sections(
          '/source',
          environments.Environment(fake_runtime.RUNTIME, '/environment'),
          historical_fixture.OLD,
          '/data',
          steps=7,
          our_meta_graph=small_training.meta_graph(),
      )
    self.assertEqual(['checkpoints', 'step', 'tags'], found)
    self.assertEqual(
        ('/source', '/environment', 'a test', '/data'), seen['asked']
    )
    self.assertEqual(7, seen['steps'])
    version, values, _, keys = seen['checkpoints']
    self.assertEqual(('0.12.1', {'w': 1}), (version, values))
    self.assertEqual({'Variable': 'global_step', 'w': 'w'}, keys.ours)
    self.assertEqual(('odd',), keys.unknown)
    self.assertEqual(old_tags.listed('a test', '0.12.1'), seen['tags'][-1])


if __name__ == '__main__':
  tf.disable_v2_behavior()
  tf.test.main()
