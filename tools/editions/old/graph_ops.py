"""Counts the ops of an edition's training graph, in an old interpreter.

  graph_ops ARGUMENTS.json

The file contains a dict: source, package, data_dir and out, as in training.py.

The program writes ops.json into `out`: a dict from each op type to the number
of ops of this type in the graph when cifar10_train opens its session.
"""

import collections

import edition
import training


def main():
  arguments = edition.arguments()
  _, graph, _ = training.capture(arguments)
  types = collections.Counter(op.type for op in graph.get_operations())
  edition.write(types, arguments['out'], 'ops')


if __name__ == '__main__':
  main()
