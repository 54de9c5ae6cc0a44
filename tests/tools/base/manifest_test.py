"""Manifests of a directory made by hand, and of a checkout made by git."""

import hashlib
import json
import os
import pathlib
import subprocess
from unittest import mock

from absl.testing import absltest

from cifar10_compat import startup
from cifar10_compat.data import datasets
from tests.helpers import record_fixture
from tools.base import manifest

CPUINFO = """processor\t: 0
model name\t: A Processor
physical id\t: 0
core id\t\t: 0
flags\t\t: fpu sse avx2 avx fma avx512f amx_bf16 avx512_bf16

processor\t: 1
model name\t: A Processor
physical id\t: 0
core id\t\t: 0
flags\t\t: fpu sse avx2 avx fma avx512f amx_bf16 avx512_bf16

processor\t: 2
model name\t: A Processor
physical id\t: 1
core id\t\t: 0
flags\t\t: fpu sse avx2 avx fma avx512f amx_bf16 avx512_bf16
"""


class ManifestTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self.root = self.create_tempdir().full_path
    self.data_dir = self.create_tempdir().full_path
    self.batches = record_fixture.write_batches(
        self.data_dir, *record_fixture.random_images(2)
    )

  def manifest(self, **kwargs):
    return manifest.manifest(
        dataset=datasets.CIFAR10,
        data_dir=self.data_dir,
        flags=kwargs.pop('flags', {}),
        root=self.root,
        **kwargs,
    )

  def git(self, *args):
    return subprocess.run(
        ['git', '-C', self.root, '-c', 'user.name=a', '-c', 'user.email=b']
        + list(args),
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout.strip()

  def write(self, name, text):
    path = os.path.join(self.root, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    pathlib.Path(path).write_text(text, encoding='utf-8')

  def test_outside_a_checkout(self):
    found = self.manifest(flags={'steps': 100}, seed=3, packages=('no such',))
    self.assertIsNone(found['commit'])
    self.assertIsNone(found['dirty'])
    self.assertIsNone(found['requirements_lock_sha256'])
    self.assertEqual({'steps': 100}, found['flags'])
    self.assertEqual(3, found['seed'])
    self.assertIsNone(found['versions']['no such'])
    self.assertRegex(found['versions']['python'], r'^3\.')
    self.assertLen(found['dataset']['files'], 6)
    digest = hashlib.sha256(
        pathlib.Path(self.batches, 'test_batch.bin').read_bytes()
    ).hexdigest()
    self.assertEqual(digest, found['dataset']['files']['test_batch.bin'])
    # Nothing identifies the machine or its user.
    text = json.dumps(found)
    for private in (self.root, self.data_dir, os.uname().nodename):
      self.assertNotIn(private, text)

  def test_below_another_checkout(self):
    self.git('init', '--quiet')
    self.write('below/requirements_lock.txt', 'x')
    self.root = os.path.join(self.root, 'below')
    found = self.manifest()
    self.assertIsNone(found['commit'])
    self.assertEqual(
        hashlib.sha256(b'x').hexdigest(), found['requirements_lock_sha256']
    )

  def test_a_checkout(self):
    self.git('init', '--quiet')
    self.write('tools/a.py', '1')
    self.write('docs/data/a.json', '1')
    self.git('add', '.')
    self.git('commit', '--quiet', '-m', 'x')
    found = self.manifest()
    self.assertEqual(self.git('rev-parse', 'HEAD'), found['commit'])
    self.assertFalse(found['dirty'])
    # Results in docs/ do not count.
    self.write('docs/data/a.json', '2')
    self.write('docs/data/b.json', '2')
    self.assertFalse(self.manifest()['dirty'])
    self.write('tools/b.py', '2')
    self.assertTrue(self.manifest()['dirty'])

  def test_environment_variables(self):
    for switch in (startup.ONEDNN, 'MALLOC_ARENA_MAX'):
      with mock.patch.dict(os.environ):
        os.environ.pop(startup.ONEDNN, None)
        os.environ.pop('MALLOC_ARENA_MAX', None)
        nothing = {startup.ONEDNN: None, 'MALLOC_ARENA_MAX': None}
        self.assertEqual(nothing, self.manifest()['environment'])
        os.environ[switch] = '0'
        self.assertEqual(
            dict(nothing, **{switch: '0'}), self.manifest()['environment']
        )

  def test_processor(self):
    path = self.create_tempfile(content=CPUINFO).full_path
    found = manifest.processor(path)
    self.assertEqual('A Processor', found['name'])
    self.assertEqual(
        ['avx', 'fma', 'avx2', 'avx512f', 'avx512_bf16', 'amx_bf16'],
        found['features'],
    )
    self.assertEqual(2, found['cores'])
    self.assertGreaterEqual(found['threads'], 1)

  def test_unknown_processor(self):
    found = manifest.processor('/no/such/file')
    self.assertEqual([], found['features'])
    self.assertIsNone(found['cores'])
    self.assertNotEmpty(found['name'])
