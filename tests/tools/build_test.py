"""BUILD files against imports and arrows, and pyproject.toml against both."""

import importlib
import os
import re
import sys

from absl.testing import absltest

from tools import deps

# Python 3.10's library does not have it; the lock has it under its old name.
tomllib = importlib.import_module(
    'tomllib' if sys.version_info >= (3, 11) else 'tomli'
)

# Who may depend on the libraries of a package, beside the package itself.  The
# programs and namesakes on top may use all below; nothing below uses them, but for
# the settings in config.py.
_TESTS = '//tests:__subpackages__'
_TOOLS = '//tools:__subpackages__'
_TOP = '//cifar10_compat:__pkg__'
_TRAINING = '//cifar10_compat/training:__pkg__'
_VISIBLE_TO = {
    'cifar10_compat': {_TESTS, _TOOLS},
    'cifar10_compat/base': {_TESTS, _TOOLS, '//cifar10_compat:__subpackages__'},
    'cifar10_compat/data': {_TESTS, _TOOLS, _TOP, _TRAINING},
    'cifar10_compat/distributed': {_TESTS, _TOOLS, _TOP},
    'cifar10_compat/fast': {_TESTS, _TOOLS, _TOP},
    'cifar10_compat/formats': {_TESTS, _TOOLS, _TOP},
    'cifar10_compat/published': {_TESTS, _TOOLS, _TOP, _TRAINING},
    'cifar10_compat/training': {
        _TESTS,
        _TOOLS,
        _TOP,
        '//cifar10_compat/distributed:__pkg__',
    },
    'tests': {'//visibility:private'},
    'tests/faults': {_TESTS, _TOOLS},
    'tests/helpers': {_TESTS},
    'tools': {_TESTS, _TOOLS},
    'tools/compare': {_TESTS, _TOOLS},
    'tools/compare/claims': {_TESTS, _TOOLS},
    'tools/historical': {_TESTS, _TOOLS},
    'tools/pages': {_TESTS, _TOOLS},
    'tools/run_page': {_TESTS, _TOOLS},
    'tools/runtime': {_TESTS, _TOOLS},
    'tools/speed': {_TESTS, _TOOLS},
    'tools/time_machine': {_TESTS, _TOOLS},
}


def _default_visibility(package):
  for node in deps.parse(package).body:
    call = getattr(node, 'value', None)
    if getattr(getattr(call, 'func', None), 'id', None) == 'package':
      return set(deps.attributes(call)['default_visibility'])
  return {'//visibility:private'}


class BuildTest(absltest.TestCase):

  def test_deps_are_imports(self):
    self.assertNotEmpty(deps.targets('tools/compare'))
    for target, right in deps.wrong():
      self.fail(
          '%s has other deps than %s: run //tools:deps -- --fix'
          % (target.label, right)
      )
    self.assertEmpty(deps.without_target())

  def test_arrows(self):
    self.assertContainsSubset(_VISIBLE_TO.keys(), deps.packages())
    for package in deps.packages():
      self.assertEqual(
          _VISIBLE_TO.get(package, {'//visibility:private'}),
          _default_visibility(package),
          package,
      )
      # None is open to more than its package, but what is on the way to it, and
      # the settings.
      self.assertEqual(
          ['//cifar10_compat:cifar10_compat', '//cifar10_compat:config']
          if package == 'cifar10_compat'
          else [],
          [
              target.label
              for target in deps.targets(package)
              if 'visibility' in target.attributes
          ],
      )
    self.assertEmpty(
        [
            (target.label, dep)
            for package in deps.packages()
            if not package.startswith('tests')
            for target in deps.targets(package)
            for dep in target.attributes.get('deps', ())
            if dep.startswith('//tests')
        ]
    )

  def test_each_module_has_a_test(self):
    # errors.py has classes without code, which entry_points.py prints; hooks.py
    # is the other half of training_session.py; cifar10_compat.py is for scripts,
    # which scripts_test.py has; eval_dirs.py is cifar10_eval_test.py's; sessions.py needs a cluster, which
    # cifar10_distributed_train_test.py and faults_test.py have; adapters.py and
    # stand_in.py are what the bridges of bridges.py install; fuzz_cases.py and
    # fuzz_strategies.py have the cases of fuzz.py.
    covered = {'errors', 'hooks', 'cifar10_compat', 'sessions', 'eval_dirs'}
    covered |= {'adapters', 'stand_in', 'fuzz_cases', 'fuzz_strategies'}
    for package in deps.packages():
      top, _, below = package.partition('/')
      if top == 'tests':
        continue
      tests = os.listdir(
          os.path.join(deps.ROOT, 'tests', package if top == 'tools' else below)
      )
      for target in deps.targets(package):
        name = os.path.basename(target.path or '')[: -len('.py')]
        if name not in covered | {'', '__init__'}:
          self.assertIn(name + '_test.py', tests, package)


class InstallationTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    with open(os.path.join(deps.ROOT, 'pyproject.toml'), 'rb') as f:
      self.project = tomllib.load(f)['project']

  def test_console_scripts(self):
    scripts = self.project['scripts']
    programs = {}
    for package in ('cifar10_compat', 'tools'):
      for target in deps.targets(package):
        console = target.attributes.get('console')
        if console:
          library = target.attributes.get(
              'library', ':' + target.attributes['name']
          )
          programs[console] = deps.absolute(library, package)
    self.assertNotEmpty(programs)
    self.assertEqual(set(programs), set(scripts))
    for name, script in scripts.items():
      module, _, function = script.partition(':')
      # Installed, the tools are below a name of ours.
      module = module.replace('cifar10_compat_tools', 'tools')
      self.assertEqual(
          programs[name],
          '//%s:%s'
          % (
              module.rpartition('.')[0].replace('.', '/'),
              module.rpartition('.')[2],
          ),
      )
      self.assertTrue(
          callable(getattr(importlib.import_module(module), function))
      )

  def test_requirements(self):
    def names(requirements):
      return {
          r.partition(';')[0].partition('>')[0].strip() for r in requirements
      }

    core = names(self.project['dependencies'])
    # What TensorFlow brings along, and we import.
    declared = {'absl-py', 'keras', 'requests', 'rich', 'urllib3'}
    self.assertEqual({'tensorflow', 'numpy', 'six'} | declared, core)
    extras = names(
        r
        for extra in self.project['optional-dependencies'].values()
        for r in extra
    )
    with open(
        os.path.join(deps.ROOT, 'requirements.in'), encoding='utf-8'
    ) as f:
      self.assertEqual(core | extras, names(f.read().splitlines()))
    with open(
        os.path.join(deps.ROOT, 'requirements_lock.txt'), encoding='utf-8'
    ) as f:
      locked = {line.partition('==')[0] for line in f if '==' in line}
    self.assertContainsSubset(core | extras, locked)

  def test_the_oldest_tensorflow_is_the_one_of_its_lock(self):
    (oldest,) = [
        d.partition('>=')[2]
        for d in self.project['dependencies']
        if d.startswith('tensorflow>=')
    ]
    with open(
        os.path.join(deps.ROOT, 'requirements_oldest.txt'), encoding='utf-8'
    ) as f:
      self.assertRegex(f.read(), r'(?m)^tensorflow==%s\.' % re.escape(oldest))

  def test_each_line_of_the_locks_has_a_hash(self):
    for name in (
        'requirements_lock.txt',
        'requirements_oldest.txt',
        'requirements_lint.txt',
    ):
      with open(os.path.join(deps.ROOT, name), encoding='utf-8') as f:
        # One requirement a line, its hashes on lines that continue it.
        text = f.read().replace('\\\n', ' ')
      lines = [l for l in text.splitlines() if l.partition('#')[0].strip()]
      self.assertNotEmpty(lines)
      for line in lines:
        self.assertRegex(
            line,
            r'\A[\w.-]+==\S+( ; [^\\#]+?)?( +--hash=sha256:[0-9a-f]{64})+\Z',
            name,
        )


if __name__ == '__main__':
  absltest.main()
