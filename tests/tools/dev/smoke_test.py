"""What must work on every Python and every TensorFlow: see .ci/run."""

import importlib
import os

from absl.testing import absltest
from PIL import Image

from tests.helpers import program
from tests.helpers import record_fixture
from tests.helpers import versions
from tools.base import manifest


class SmokeTest(absltest.TestCase):

  def test_every_module_can_be_imported(self):
    # cifar10_compat.py is for scripts, which scripts_test.py runs.
    others = {'__init__', 'cifar10_compat'}
    if not versions.has_keras_3():
      others.add('keras_network')
    number = 0
    for package in ('cifar10_compat', 'tools'):
      for directory, _, names in os.walk(os.path.join(manifest.ROOT, package)):
        # The programs there are for the Pythons of old TensorFlows.
        if directory.endswith('tools/editions/old'):
          continue
        for name in names:
          stem, extension = os.path.splitext(name)
          if extension == '.py' and stem not in others:
            path = os.path.relpath(os.path.join(directory, stem), manifest.ROOT)
            importlib.import_module(path.replace(os.sep, '.'))
            number += 1
    self.assertGreater(number, 100)

  def test_a_step_of_each_trainer_and_what_comes_of_it(self):
    root = self.create_tempdir().full_path
    dataset = record_fixture.write_set(root, *record_fixture.random_images(32))
    image = os.path.join(root, 'image.png')
    Image.new('RGB', (40, 30)).save(image)
    train_dir = os.path.join(root, 'train')
    export_dir = os.path.join(root, 'export')
    of_set = '--dataset=' + dataset.directory
    common = [of_set, '--batch_size=8', '--max_steps=1']
    for module, package, flags in (
        ('cifar10_train', 'cifar10_compat', ['--train_dir=' + train_dir]),
        (
            'cifar10_multi_gpu_train',
            'cifar10_compat',
            ['--num_gpus=2', '--train_dir=' + os.path.join(root, 'towers')],
        ),
        (
            'launch',
            'tools.run',
            [
                '--ps=1',
                '--workers=1',
                '--train_dir=' + os.path.join(root, 'cluster'),
            ],
        ),
    ):
      with self.subTest(module):
        code, out, err = program.run(module, *flags, *common, package=package)
        self.assertEqual(0, code, err)
        self.assertIn('step 0, loss = ', out)
    for module, flags, last in (
        ('cifar10_eval', [of_set, '--run_once'], 'precision @ 1'),
        ('cifar10_predict', [of_set, image], image),
        ('cifar10_export', [of_set, '--export_dir=' + export_dir], export_dir),
    ):
      with self.subTest(module):
        code, out, err = program.run(
            module, '--checkpoint_dir=' + train_dir, *flags
        )
        self.assertEqual(0, code, err)
        self.assertIn(last, out)
