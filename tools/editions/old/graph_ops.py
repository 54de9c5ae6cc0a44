"""Counts the ops of an edition's training graph, in an old interpreter.

  graph_ops ARGUMENTS.json

The file has a dict: source, package, data_dir and out, as in training.py.

What is written into `out` is ops.json: dict from a type to how many ops of it the
graph has at the moment when cifar10_train opens its session.
"""

import collections
import json
import os
import sys

import edition
import training


def main():
  with open(sys.argv[1]) as f:
    arguments = edition.native(json.load(f))
  del sys.path[0]  # Where this file is.
  import tensorflow as tf

  source, package = arguments['source'], arguments['package']
  out = arguments['out']
  edition.place(source, package)
  edition.lay(tf, source, 'cifar10_train')
  graph, _ = training.capture(
      tf, source, package, arguments['data_dir'], os.path.join(out, 'train')
  )
  types = collections.Counter(op.type for op in graph.get_operations())
  with open(os.path.join(out, 'ops.json'), 'w') as f:
    json.dump(types, f, sort_keys=True)


if __name__ == '__main__':
  main()
