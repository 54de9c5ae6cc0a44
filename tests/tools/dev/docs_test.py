"""The generated parts of the documentation."""

import glob
import os
import pathlib
import re
import shutil

from absl.testing import absltest

from cifar10_compat.base import errors
from tools.base import manifest
from tools.dev import docs
from tools.experiments import report


class DocsTest(absltest.TestCase):

  def test_no_page_is_stale(self):
    self.assertEmpty(docs.stale(), 'run tools/bazel run //tools:docs')

  def test_the_picture_is_not_stale(self):
    self.assertFalse(
        docs.picture_is_stale(), 'run tools/bazel run //tools:docs'
    )

  def test_a_picture_of_something_else_is_stale(self):
    root = self.create_tempdir()
    data = root.mkdir('docs').mkdir('data')
    shutil.copy(
        os.path.join(manifest.ROOT, 'docs', 'data', 'speed_avx512_bf16.json'),
        data.full_path,
    )
    self.assertTrue(docs.picture_is_stale(root.full_path))
    digest = report.digest(docs.picture(root.full_path))
    root.create_file('docs/results.svg', '<svg>%s</svg>' % digest)
    self.assertFalse(docs.picture_is_stale(root.full_path))
    root.create_file(
        'docs/data/runs/published_1.json',
        '{"precision": [{"step": 10, "averaged": 0.5, "raw": 0.5}],'
        ' "manifest": {"seed": 1}}',
    )
    self.assertTrue(docs.picture_is_stale(root.full_path))

  def test_a_changed_digit_is_stale(self):
    path = os.path.join(manifest.ROOT, 'docs', 'flags.md')
    text = pathlib.Path(path).read_text(encoding='utf-8')
    changed, n = re.subn(r'\| 1000000 \|', '| 1000001 |', text)
    self.assertEqual(1, n)
    root = self.create_tempdir()
    root.create_file('README.md')
    page = root.create_file('docs/flags.md', changed)
    self.assertEqual({page.full_path: text}, docs.stale(root.full_path))

  def test_a_changed_figure_in_the_readme_is_stale(self):
    text = pathlib.Path(manifest.ROOT, 'README.md').read_text(encoding='utf-8')
    changed, n = re.subn(r'\| 0\.8268 \|', '| 0.8868 |', text)
    self.assertEqual(1, n)
    root = self.create_tempdir()
    page = root.create_file('README.md', changed)
    self.assertEqual({page.full_path: text}, docs.stale(root.full_path))

  def test_a_table_from_data(self):
    root = self.create_tempdir()
    root.create_file(
        'docs/data/precision.json',
        '{"steps": [5, 1000], "precision": {"a|b": [0.1, 0.25], "c": [1, 0]}}',
    )
    self.assertEqual(
        '| steps | 5 | 1,000 |\n|---|---|---|\n'
        '| a\\|b | 0.100 | 0.250 |\n| c | 1.000 | 0.000 |\n',
        docs.precision_table(root.full_path),
    )

  def test_every_generated_part_is_on_a_page(self):
    pages = [os.path.join(manifest.ROOT, 'README.md')]
    pages += glob.glob(os.path.join(manifest.ROOT, 'docs', '*.md'))
    names = set()
    for path in pages:
      names.update(
          re.findall(
              r'<!-- generated: (\w+) -->',
              pathlib.Path(path).read_text(encoding='utf-8'),
          )
      )
    self.assertEqual(set(docs.GENERATORS), names)

  def test_a_flag_stands_beside_the_programs_that_have_it(self):
    rows = {
        row.split('`')[1]: row.split(' | ')[2]
        for row in docs.flags_table().splitlines()[2:]
    }
    self.assertEqual('multi_gpu_train', rows['--num_gpus'])
    self.assertEqual(
        'train, multi_gpu_train, distributed_train', rows['--fresh']
    )
    self.assertEqual('all', rows['--model'])
    self.assertIn('| `--num_gpus` | 1 | ', docs.flags_table())
    self.assertIn('| `--fresh` | no | ', docs.flags_table())
    self.assertEqual(
        'train, multi_gpu_train, distributed_train, eval',
        rows['--allow_growth'],
    )

  def test_mistakes(self):
    with self.assertRaisesRegex(errors.UsageError, "'tables' is not a gen"):
      docs.fresh('<!-- generated: tables -->\n<!-- end -->\n', 'page.md')
    root = self.create_tempdir()
    root.create_file('README.md')
    with self.assertRaisesRegex(errors.UsageError, 'no page in '):
      docs.stale(root.full_path)
