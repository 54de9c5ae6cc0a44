"""Runs the commands of a Markdown page and inserts their output.

  walkthrough [--file=docs/walkthrough.md] [--only=TEXT]

Bash runs each block ```sh in the current directory, from top to bottom.  The
block's stdout and stderr replace the content of the next block ```text; the
middle of a long output is omitted.  The program writes the page after each
block; a command that fails ends the program.  ```sh until="TEXT" marks a
command that runs until it is interrupted: the command receives Ctrl-C once it
prints TEXT.

All of docs/walkthrough.md takes an hour or two; --only runs the blocks that
contain TEXT.
"""

# Import first: the command line imports TensorFlow, which reads its log levels
# at load time.
from cifar10_compat.base import quiet  # noqa: F401  # isort: skip

import os
import pathlib
import re
import signal
import subprocess
import sys

from cifar10_compat.base import errors
from cifar10_compat.base import paths

from ..base import command_line
from ..base import processes

# The number of lines to keep at each end of a long output.
_HEAD = 9
_TAIL = 9

_BLOCK = re.compile(
    r'^```sh(?: until="(?P<until>[^"\n]+)")?\n(?P<command>.*?)^```\n'
    r'(?:\n```text\n.*?^```\n)?',
    re.MULTILINE | re.DOTALL,
)

# Lines to omit: Bazel's own lines, and the lines that a CUDA build of
# TensorFlow prints on a machine without a driver.
_CHATTER = re.compile(
    r'Starting local Bazel server|Loading:|Analyzing:|INFO: |Target //|'
    r'  \.bazel/|\[\d[\d,]* / \d|There were tests whose|'
    r'WARNING: All log messages before absl::InitializeLog|'
    r'[IWE]0000 .* (cudart_stub|cuda_platform|port)\.cc'
)


def shorten(lines):
  """Omits the middle of a list of lines if the list is long."""
  if len(lines) <= _HEAD + _TAIL:
    return lines
  return lines[:_HEAD] + ['...'] + lines[-_TAIL:]


def run_block(command, until=None):
  """Runs a block's command.

  Args:
    command: str, for bash.
    until: str or None; the command is interrupted when it prints a line that
      contains this text.

  Returns:
    list of str, the lines on stdout and stderr, except the lines to omit.

  Raises:
    UsageError: the command failed.
  """
  lines = []
  interrupted = False
  with processes.start_command(
      ['bash', '-e', '-o', 'pipefail', '-c', command],
      # Ensure that an interrupt reaches all processes that the command starts.
      group=True,
      stdout=subprocess.PIPE,
      stderr=subprocess.STDOUT,
  ) as process:
    for line in process.stdout:
      sys.stdout.write(line)
      sys.stdout.flush()
      if not _CHATTER.match(line):
        lines.append(line.rstrip())
      if until and until in line and not interrupted:
        interrupted = True
        os.killpg(process.pid, signal.SIGINT)
  if until and not interrupted:
    raise errors.UsageError(
        'the output does not contain %r: %r' % (until, command)
    )
  if process.returncode and not interrupted:
    raise errors.UsageError(
        'exit code %d of: %r' % (process.returncode, command)
    )
  return lines


def write_output(path, command, lines):
  """Replaces the output after the block that contains `command`."""
  # Read the page again: the program takes hours, and the page may have been
  # edited in the meantime.
  text = pathlib.Path(path).read_text(encoding='utf-8')

  def with_output(match):
    if match['command'] != command:
      return match[0]
    fence = match[0][: match.end('command') - match.start()] + '```\n'
    if not lines:
      return fence
    return fence + '\n```text\n%s\n```\n' % '\n'.join(shorten(lines))

  pathlib.Path(path).write_text(_BLOCK.sub(with_output, text), encoding='utf-8')


def run(path, only=None):
  """Runs the blocks of a page.

  Args:
    path: str, the path of the Markdown file.
    only: str or None; the text that a block must contain to be run.

  Raises:
    UsageError: the file cannot be read, no block contains `only`, or a block
      failed.
  """
  try:
    blocks = [
        m
        for m in _BLOCK.finditer(pathlib.Path(path).read_text(encoding='utf-8'))
        if only is None or only in m['command']
    ]
  except OSError as e:
    raise errors.UsageError(
        'cannot read %s (%s): specify the page with --file' % (path, e.strerror)
    ) from e
  if not blocks:
    raise errors.UsageError(
        '%s contains no block with this text: %s'
        % (path, '```sh' if only is None else only)
    )
  for block in blocks:
    print('$ ' + block['command'], end='', flush=True)
    write_output(
        path, block['command'], run_block(block['command'], block['until'])
    )


@command_line.program('walkthrough')
def main(argv):
  parser = command_line.Parser(
      prog='walkthrough',
      description=__doc__,
  )
  parser.add_argument(
      '--file',
      metavar='FILE.md',
      default='docs/walkthrough.md',
      help='the page (default %(default)s)',
  )
  parser.add_argument(
      '--only',
      metavar='TEXT',
      help='run only the blocks that contain this text',
  )
  args = parser.parse_args(argv)
  paths.enter_user_directory()
  run(args.file, args.only)
  return 0


if __name__ == '__main__':
  sys.exit(main())
