"""Prepares an edition of the tutorial for an old TensorFlow, with bridges.

Python 2.7 or later runs this file, which can import only files in its
directory.  A bridge is applied only if the edition's files use a name or an
idiom that the running TensorFlow rejects.
"""

from __future__ import print_function

import collections
import json
import os
import re
import sys
import types

# A bridge for one old symbol.  `used` is a regular expression that finds the
# symbol in a file's text without comments.  `refused` returns whether a
# TensorFlow rejects the symbol, and `lay` adds the symbol; the first parameter
# of both is the module tensorflow, and the second parameter of `lay` is the
# source's directory.
Bridge = collections.namedtuple('Bridge', 'old new used refused lay')

_PACKAGE = 'tensorflow.models.image.cifar10'


def _get(tf, name):
  """Resolves a dotted name such as 'image.random_crop'; None if missing."""
  value = tf
  for part in name.split('.'):
    value = getattr(value, part, None)
  return value


def _set(tf, name, value):
  parent, _, attribute = name.rpartition('.')
  setattr(_get(tf, parent) if parent else tf, attribute, value)


def _call(name):
  """Returns a regular expression that finds calls of a symbol."""
  return r'\btf\.%s\(' % re.escape(name)


def _lacks(name):
  return lambda tf: _get(tf, name) is None


def _since(major):
  return lambda tf: int(tf.__version__.partition('.')[0]) >= major


def _alias(name, present):
  """Returns the bridge of a symbol that TensorFlow only renamed."""
  return Bridge(
      'tf.' + name,
      'tf.' + present,
      _call(name),
      _lacks(name),
      lambda tf, source: _set(tf, name, _get(tf, present)),
  )


def _summary(name, op):
  """Returns the bridge of a summary whose tag is not derived from a name."""

  def lay(tf, source):
    del source
    from tensorflow.python.ops import gen_logging_ops

    # The module is private in TensorFlow 1.4 and earlier.
    make = getattr(gen_logging_ops, op, None) or getattr(
        gen_logging_ops, '_' + op
    )

    def summary(tag, values, collections=None, name=None, **options):
      made = make(tag, values, name=name, **options)
      for key in collections or [tf.GraphKeys.SUMMARIES]:
        tf.add_to_collection(key, made)
      return made

    setattr(tf, name, summary)

  return Bridge(
      'tf.%s(tag, x)' % name,
      'tf.summary.%s(name, x)' % name.partition('_')[0],
      _call(name),
      _lacks(name),
      lay,
  )


def _logits_first(name):
  """Returns the bridge of a cross entropy with the logits first."""

  def lay(tf, source):
    del source
    present = getattr(tf.nn, name)

    def cross_entropy(logits, labels, name=None):
      return present(labels=labels, logits=logits, name=name)

    setattr(tf.nn, name, cross_entropy)

  return Bridge(
      'tf.nn.%s(x, y)' % name,
      'the same with labels=y, logits=x',
      r'\bnn\.%s\(\s*\w+,' % name,
      _since(1),
      lay,
  )


def _lay_concat(tf, source):
  del source
  present = tf.concat
  tf.concat = lambda axis, values, name='concat': present(values, axis, name)


def _lay_random_crop(tf, source):
  del source

  def random_crop(image, size, seed=None, name=None):
    depth = image.get_shape()[2].value
    return tf.random_crop(image, list(size) + [depth], seed, name)

  tf.image.random_crop = random_crop


def _lay_summary_writer(tf, source):
  del source

  def summary_writer(logdir, graph_def=None, *args):
    # Early versions of SummaryWriter expect a GraphDef, later versions a Graph.
    if isinstance(graph_def, tf.GraphDef):
      return tf.summary.FileWriter(logdir, None, *args, graph_def=graph_def)
    return tf.summary.FileWriter(logdir, graph_def, *args)

  tf.train.SummaryWriter = summary_writer


def _lay_truth(tf, source):
  name = '__bool__' if sys.version_info[0] > 2 else '__nonzero__'
  present = getattr(tf.Tensor, name)
  inside = source + os.sep

  def truth(tensor):
    # TensorFlow's own code relies on the exception that Tensor.__bool__ raises.
    caller = os.path.abspath(sys._getframe(1).f_code.co_filename)
    return caller.startswith(inside) or present(tensor)

  setattr(tf.Tensor, name, truth)


def _lay_strided_slice(tf, source):
  del source
  present = tf.strided_slice
  tf.strided_slice = lambda x, begin, end: present(
      x, begin, end, [1] * len(begin)
  )


def _lay_graph_mode(tf, source):
  del source
  tf.disable_v2_behavior()


def has_no_tutorial(tf):
  """Returns whether a TensorFlow does not bundle the tutorial's package."""
  directory = os.path.dirname(os.path.abspath(tf.__file__))
  return not os.path.isdir(
      os.path.join(directory, 'models', 'image', 'cifar10')
  )


PLACE = Bridge(
    'from %s import cifar10' % _PACKAGE,
    'import cifar10',
    r'\bfrom %s import ' % re.escape(_PACKAGE),
    has_no_tutorial,
    # This bridge needs no code: place() always makes the files importable.
    lambda tf, source: None,
)

BRIDGES = (
    Bridge(
        'import tensorflow as tf',
        'import tensorflow.compat.v1 as tf',
        r'^import tensorflow as tf',
        _since(2),
        # scripts_tensorflow() has replaced the module.
        _lay_graph_mode,
    ),
    PLACE,
    _alias('mul', 'multiply'),
    # An edition can also be newer than the TensorFlow that runs it.
    _alias(
        'train.get_or_create_global_step',
        'contrib.framework.get_or_create_global_step',
    ),
    Bridge(
        'tf.strided_slice(x, begin, end)',
        'the same with strides',
        _call('strided_slice'),
        lambda tf: not _since(1)(tf),
        _lay_strided_slice,
    ),
    Bridge(
        'tf.concat(0, values)',
        'tf.concat(values, 0)',
        r'\btf\.concat\(\d',
        _since(1),
        _lay_concat,
    ),
    _logits_first('sparse_softmax_cross_entropy_with_logits'),
    _logits_first('softmax_cross_entropy_with_logits'),
    _alias('image.per_image_whitening', 'image.per_image_standardization'),
    Bridge(
        'tf.image.random_crop(image, [24, 24])',
        'tf.random_crop(image, [24, 24, 3])',
        _call('image.random_crop'),
        # The old random_crop was removed in 0.7; the later one crops along
        # every dimension.
        lambda tf: True,
        _lay_random_crop,
    ),
    _summary('scalar_summary', 'scalar_summary'),
    _summary('histogram_summary', 'histogram_summary'),
    _summary('image_summary', 'image_summary'),
    _alias('merge_summary', 'summary.merge'),
    _alias('merge_all_summaries', 'summary.merge_all'),
    Bridge(
        'tf.train.SummaryWriter(logdir, graph_def)',
        'tf.summary.FileWriter(logdir, graph)',
        _call('train.SummaryWriter'),
        _lacks('train.SummaryWriter'),
        _lay_summary_writer,
    ),
    Bridge(
        'if grad:',
        'if grad is not None:',
        r'^\s*if grad:',
        # Tensor.__bool__ and __nonzero__, if they exist, raise an exception.
        lambda tf: '__bool__' in vars(tf.Tensor),
        _lay_truth,
    ),
)


def needed(tf, texts):
  """Returns the Bridges that the tutorial's files need.

  Args:
    tf: the module tensorflow.
    texts: list of str, the contents of the files.
  """
  text = re.sub('#.*', '', '\n'.join(texts))
  return [
      bridge
      for bridge in BRIDGES
      if re.search(bridge.used, text, re.MULTILINE) and bridge.refused(tf)
  ]


def files(script):
  """Returns the names of the tutorial's files that a script loads."""
  names = [script + '.py', 'cifar10.py', 'cifar10_input.py']
  if script == 'cifar10_input_test':
    names.remove('cifar10.py')
  return names


def scripts_tensorflow(tf):
  """Makes `import tensorflow` import a module like that of TensorFlow 1.

  Args:
    tf: the module tensorflow.

  Returns:
    the module tensorflow; from 2.0 on, a module with the names of
    tensorflow.compat.v1.
  """
  if not _since(2)(tf):
    return tf
  present = tf.compat.v1
  module = types.ModuleType('tensorflow')
  module.__getattr__ = lambda name: getattr(present, name)
  # Ensure that `import tensorflow.python.x` still finds TensorFlow's own
  # modules.
  for name in ('__path__', '__spec__', '__file__', '__version__'):
    setattr(module, name, getattr(tf, name))
  module.python = sys.modules['tensorflow.python']
  sys.modules['tensorflow'] = module
  return module


def lay(tf, source, script):
  """Applies the bridges that a script needs, and lists them on stderr.

  Args:
    tf: the module tensorflow, which is modified or, from 2.0 on, replaced.
    source: str, the directory of the unmodified files.
    script: str, the name of one of the files, without its extension.

  Returns:
    list of Bridges.
  """
  texts = []
  for name in files(script):
    with open(os.path.join(source, name), 'rb') as f:
      texts.append(f.read().decode('utf-8'))
  tf = scripts_tensorflow(tf)
  found = needed(tf, texts)
  for bridge in found:
    bridge.lay(tf, source)
  print(
      'historical: TensorFlow %s on Python %s needs %s'
      % (
          tf.__version__,
          sys.version.partition(' ')[0],
          '%s bridge%s:' % (len(found) or 'no', '' if len(found) == 1 else 's')
          if found
          else 'no bridge',
      ),
      file=sys.stderr,
  )
  for bridge in found:
    print('historical:   %s -> %s' % bridge[:2], file=sys.stderr)
  sys.stderr.flush()
  return found


def place(source, package):
  """Makes `import` find the tutorial's modules in a directory.

  Does nothing if the directory is the package itself, as in a wheel that
  bundles the tutorial.

  Args:
    source: str, absolute path of the directory.
    package: str, the package from which the edition imports, or ''.
  """
  if not package:
    sys.path.insert(0, source)
    return
  parts = package.split('.')
  own = sys.modules[parts[0]].__file__
  if source == os.path.join(os.path.dirname(os.path.abspath(own)), *parts[1:]):
    return
  for n in range(2, len(parts) + 1):
    module = types.ModuleType('.'.join(parts[:n]))
    module.__path__ = [source] if n == len(parts) else []
    sys.modules[module.__name__] = module
    setattr(sys.modules['.'.join(parts[: n - 1])], parts[n - 1], module)


def arguments():
  """Reads this process's arguments, a dict, from the JSON file that argv names.

  Removes the directory of this file from sys.path, so that the tutorial's
  imports find no file in that directory.
  """
  with open(sys.argv[1]) as f:
    found = _native(json.load(f))
  del sys.path[0]
  return found


def _native(value):
  """Converts strings in a JSON value to the str of this Python version."""
  if isinstance(value, dict):
    return dict((_native(k), _native(v)) for k, v in value.items())
  if isinstance(value, list):
    return [_native(v) for v in value]
  if sys.version_info[0] == 2 and not isinstance(value, (str, int, float)):
    return value.encode('utf-8') if value is not None else None
  return value


def write(value, directory, name):
  """Writes a value to NAME.json in a directory."""
  with open(os.path.join(directory, name + '.json'), 'w') as f:
    json.dump(value, f, sort_keys=True)
