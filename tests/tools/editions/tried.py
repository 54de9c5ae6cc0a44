"""Cells of the time machine, as in its file."""

from tools.editions import cells

MUL = ['tf.mul', 'tf.multiply']
CONCAT = ['tf.concat(0, values)', 'tf.concat(values, 0)']


def result(outcome, bridges=(), code=0, seconds=2.0, **error):
  """Returns a result like that of cells.attempt(), with this error."""
  return {
      'outcome': outcome,
      'bridges': list(bridges),
      'error': error or None,
      'code': code,
      'losses': {},
      'seconds': seconds,
  }


def cell(edition, version, python, unmodified, placed=None, bridged=None):
  """Returns a cell like that of cells.try_cell()."""
  return {
      'edition': edition,
      'tensorflow': version,
      'python': python,
      'date': '2026-01-02',
      'unmodified': unmodified,
      'placed': placed,
      'bridged': bridged,
  }


RAN = result(cells.RAN)
NO_PACKAGE = result(
    cells.ERROR,
    type='ImportError',
    message='No module named models.image.cifar10',
    name='models.image.cifar10',
)
NO_MUL = result(
    cells.ERROR,
    type='AttributeError',
    message="'module' object has no attribute 'mul'",
    name='tf.mul',
)
SYNTAX = result(cells.ERROR, type='SyntaxError', message='print', name=None)
A, B = 'tensorflow v0.7.0', 'tensorflow/models v1.4.0'
CONTENT = {
    'cells': [
        cell(A, '0.12.1', '2.7.18', RAN),
        # Version 1.15 comes after 1.4.
        cell(
            A,
            '1.15.5',
            '3.7.16',
            SYNTAX,
            bridged=result(cells.ERROR, [MUL], type='SyntaxError', message=''),
        ),
        cell(
            A,
            '1.4.1',
            '2.7.18',
            NO_PACKAGE,
            NO_MUL,
            result(cells.RAN, [MUL, CONCAT]),
        ),
        cell(B, '0.12.1', '2.7.18', NO_MUL, bridged=NO_MUL),
        cell(B, '1.4.1', '2.7.18', RAN),
        cell(B, '1.15.5', '3.7.16', RAN),
        {'edition': B, 'tensorflow': '2.0.4', 'missing': 'no python3.7'},
    ]
}
