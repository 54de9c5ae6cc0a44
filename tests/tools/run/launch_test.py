"""What a launch starts; nothing is started here."""

from unittest import mock

from absl.testing import absltest

from tests.helpers import tool_program
from tools.base import supervision
from tools.run import launch


class LaunchTest(absltest.TestCase):

  def test_lines_of_one_process(self):
    self.assertEqual(
        'a\n\nb | c\n',
        launch.lines_of(
            'ps 0',
            'ps 0     | a\nworker 0 | x\nps 0     | \nps 0     | b | c\n',
        ),
    )

  def test_ps_have_no_gpu_and_all_know_all(self):
    (ps,), (w0, w1) = launch.training_tasks(['--x'], ps=1, workers=2)
    self.assertEqual({'CUDA_VISIBLE_DEVICES': ''}, ps.env)
    self.assertEqual({}, w0.env)
    self.assertEqual(
        ['ps 0', 'worker 0', 'worker 1'], [t.name for t in (ps, w0, w1)]
    )
    self.assertEqual(ps.args[:2], w1.args[:2])
    addresses = ps.args[0].split('=')[1:] + ps.args[1].split('=')[1].split(',')
    self.assertLen(set(addresses), 3)
    self.assertEqual(
        ['--job_name=worker', '--task_index=1', '--x'], w1.args[2:]
    )

  def test_towers(self):
    ((task,),) = launch.training_tasks(['--x'], towers=2)
    self.assertEqual(
        ('cifar10_compat.cifar10_multi_gpu_train', ['--num_gpus=2', '--x']),
        (task.module, task.args),
    )

  def _run_main(self, *flags, code=0):
    """Runs main() without processes.

    Args:
      *flags: str, the command line.
      code: int, with which each supervise() ends.

    Returns:
      int, what main() returns; list of each supervise()'s (groups, watchers).
    """
    calls = []

    def supervise(groups, stop, watchers=()):
      del stop
      calls.append((groups, list(watchers)))
      return code

    with mock.patch.object(supervision, 'supervise', supervise):
      return launch.main(flags), calls

  def test_the_evaluator_gets_what_it_needs(self):
    shared = [
        '--data_dir=d',
        '--data_url=http://a/,http://b/',
        '--dataset=svhn',
        '--model=conv_local',
        '--fast',
    ]
    code, (first, last) = self._run_main(
        '--eval',
        '--train_dir=/t',
        '--eval_dir=/e',
        '--eval_interval_secs=7',
        '--max_steps=9',
        *shared,
    )
    self.assertEqual(0, code)
    ((train,),), (evaluator,) = first
    self.assertEqual('cifar10_compat.cifar10_train', train.module)
    self.assertCountEqual(
        shared + ['--train_dir=/t', '--max_steps=9'], train.args
    )
    self.assertEqual(
        ('cifar10_compat.cifar10_eval', {'CUDA_VISIBLE_DEVICES': ''}),
        (evaluator.module, evaluator.env),
    )
    self.assertCountEqual(
        shared
        + [
            '--checkpoint_dir=/t',
            '--eval_dir=/e',
            '--device=/cpu:0',
            '--eval_interval_secs=7',
        ],
        evaluator.args,
    )
    # At the end it scores the last checkpoint, alone.
    self.assertEqual(
        ([[evaluator._replace(args=evaluator.args + ['--run_once'])]], []), last
    )

  def test_no_evaluator_unless_asked_for(self):
    code, (((groups, watchers)),) = self._run_main('--ps=1', '--workers=2')
    self.assertEqual(
        (0, [1, 2], []), (code, [len(g) for g in groups], watchers)
    )

  def test_exit_code_of_what_failed(self):
    code, calls = self._run_main('--eval', code=3)
    self.assertEqual(3, code)
    self.assertLen(calls, 1)  # There is no last checkpoint to score.

  def test_what_cannot_be(self):
    for flags in (
        ['--ps=1'],
        ['--workers=2'],
        ['--towers=0'],
        ['--towers=2', '--ps=1', '--workers=1'],
        ['--ps=-1', '--workers=-1'],
    ):
      tool_program.assert_refused(
          self, launch.main, flags, 'specify either --towers'
      )
    for flags in (['--towers=65'], ['--ps=1', '--workers=1000000000']):
      tool_program.assert_refused(
          self, launch.main, flags, flags[-1] + ': it must be at most 64'
      )
