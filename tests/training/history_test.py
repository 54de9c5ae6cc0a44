"""Which changed settings a resumed run reports, and which it rejects."""

import contextlib
import json
import os
import pathlib
from unittest import mock

from cifar10_compat import config as config_lib
from cifar10_compat.base import errors
from cifar10_compat.data import datasets
from cifar10_compat.training import notes
from tests.training import run_fixture


class HistoryTest(run_fixture.ResumedTest):

  def test_learning_rate(self):
    for saved, rate, expected, rates in (
        # A directory of an earlier version records no rate.
        (None, 0.1, '', [(20, 0.1)]),
        (30, 0.1, '', [(20, 0.1)]),
        (
            None,
            0.05,
            'From step 30, the learning rate is 0.05 (was 0.1).\n',
            [(20, 0.1), (30, 0.05)],
        ),
        # Another rate before the first step with this one.
        (
            None,
            0.01,
            'From step 30, the learning rate is 0.01 (was 0.05).\n',
            [(20, 0.1), (30, 0.01)],
        ),
    ):
      if saved:
        self.save(saved)
      self.assertEqual(expected, self.begin(learning_rate=rate))
      self.assertEqual(rates, notes.learning_rates(self.train_dir))

  def test_other_settings_are_told(self):
    towers = config_lib.MultiGpuTrain
    for saved, settings, expected in (
        # A directory of an earlier version records no settings.
        (None, {'batch_size': 64}, ''),
        (
            30,
            {'batch_size': 32, 'seed': 3},
            'From step 30, batch_size is 32 (was 64): the learning rate drops '
            'at other steps.\n',
        ),
        # No step was trained with 32.
        (None, {'batch_size': 64}, ''),
        (
            None,
            {'config': towers, 'batch_size': 64, 'num_gpus': 2},
            'From step 30, num_gpus is 2 (was 1).\n',
        ),
        (
            40,
            {'config': towers, 'batch_size': 64, 'decay_by_examples': True},
            'From step 40, num_gpus is 1 (was 2), decay_by_examples is True '
            '(was False): the learning rate drops at other steps.\n',
        ),
        (
            None,
            {
                'batch_size': 64,
                'dataset': datasets.CIFAR10._replace(flip=False),
            },
            'From step 40, num_gpus is 1 (was 2), flip is False (was True).\n',
        ),
        (None, {'batch_size': 16, 'fresh': True}, ''),
    ):
      if saved:
        self.save(saved)
      self.assertEqual(expected, self.begin(**settings))

  def test_external_text_is_escaped(self):
    self.assertEqual('', self.begin(batch_size=64))
    self.save(30)
    path = os.path.join(self.train_dir, 'dataset.json')
    note = json.loads(pathlib.Path(path).read_text())
    note['settings'][0][1]['batch_size'] = '\x1b[31mred\nstep 30'
    with open(path, 'w') as f:
      json.dump(note, f)
    pathlib.Path(self.list).write_text(
        'model_checkpoint_path: "/no\\033\\nwhere/model.ckpt-99"'
    )
    printed = self.begin(batch_size=64)
    self.assertIn('lists /no\\x1b\\nwhere/model.ckpt-99, which is in', printed)
    self.assertIn('is 64 (was \\x1b[31mred\\nstep 30): the', printed)
    self.assertLen(printed.splitlines(), 2)

  def test_other_images(self):
    told = dict(deterministic=True, seed=1)
    self.begin(**told, fresh=True, images='0123abcd')
    self.save(30)
    self.assertEqual('', self.begin(**told, images='0123abcd'))
    with self.assertRaisesRegex(
        errors.UsageError, r'images is 4567cdef \(was 0123abcd\)'
    ):
      self.begin(**told, images='4567cdef')
    self.assertEqual(
        'From step 30, images is 4567cdef (was 0123abcd).\n',
        self.begin(seed=1, images='4567cdef'),
    )

  def test_deterministic_run_that_would_not_repeat(self):
    told = dict(deterministic=True, seed=1, batch_size=64, summary_steps=50)
    # Nothing is known about the steps already trained.
    with self.assertRaisesRegex(
        errors.UsageError, 'dataset.json does not contain the settings'
    ):
      self.begin(**told)
    self.assertEqual('', self.begin(**told, fresh=True))
    self.save(30)
    self.assertEqual('', self.begin(**told))
    unchanged = contextlib.nullcontext()
    for patch, settings, expected in (
        (unchanged, {'seed': 2}, r'seed is 2 \(was 1\)'),
        (unchanged, {'batch_size': 32}, r'batch_size is 32 \(was 64\)'),
        (unchanged, {'summary_steps': 10}, r'summary_steps is 10 \(was 50\)'),
        (unchanged, {'fast': True}, r'fast is True \(was False\)'),
        (
            mock.patch.object(
                os, 'sched_getaffinity', lambda _: set(range(99))
            ),
            {},
            r'usable_cpus is 99 \(was \d+\)',
        ),
        *(
            (
                mock.patch.dict(os.environ, {name: '1'}),
                {},
                rf'{name} is 1 \(was unset\)',
            )
            for name in (
                'TF_NUM_INTRAOP_THREADS',
                'TF_NUM_INTEROP_THREADS',
                'TF_ENABLE_ONEDNN_OPTS',
                'ONEDNN_MAX_CPU_ISA',
                'TF_DETERMINISTIC_OPS',
                'XLA_FLAGS',
            )
        ),
    ):
      with (
          patch,
          self.assertRaisesRegex(
              errors.UsageError,
              f'would not be reproducible: {expected}: restore the earlier '
              'values, omit --deterministic, or choose ',
          ),
      ):
        self.begin(**told | settings)
    with mock.patch.dict(
        os.environ, TF_CONFIG='{}', TF_CPP_VMODULE='x=1', TF_VAR_secret='x'
    ):
      self.assertEqual('', self.begin(**told))
    # Without the flag it may; afterwards, no longer with it.
    alone = told | {'deterministic': False}
    self.assertEqual('', self.begin(**alone))
    self.assertEqual('', self.begin(**told))
    self.begin(**alone)
    self.save(40)
    with self.assertRaisesRegex(
        errors.UsageError, r'deterministic is True \(was False\)'
    ):
      self.begin(**told)
