"""The tables, worked out by hand from seven cells."""

from absl.testing import absltest

from tools.time_machine import cells
from tools.time_machine import table

_MUL = ['tf.mul', 'tf.multiply']
_CONCAT = ['tf.concat(0, values)', 'tf.concat(values, 0)']


def result(outcome, bridges=(), code=0, seconds=2.0, **error):
  return {
      'outcome': outcome,
      'bridges': list(bridges),
      'error': error or None,
      'code': code,
      'losses': {},
      'seconds': seconds,
  }


def cell(edition, version, python, unmodified, placed=None, bridged=None):
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
        # Of versions, 1.15 comes after 1.4.
        cell(
            A,
            '1.15.5',
            '3.7.16',
            SYNTAX,
            bridged=result(cells.ERROR, [_MUL], type='SyntaxError', message=''),
        ),
        cell(
            A,
            '1.4.1',
            '2.7.18',
            NO_PACKAGE,
            NO_MUL,
            result(cells.RAN, [_MUL, _CONCAT]),
        ),
        cell(B, '0.12.1', '2.7.18', NO_MUL, bridged=NO_MUL),
        cell(B, '1.4.1', '2.7.18', RAN),
        cell(B, '1.15.5', '3.7.16', RAN),
        {'edition': B, 'tensorflow': '2.0.4', 'missing': 'no python3.7'},
    ]
}


class TableTest(absltest.TestCase):

  def test_matrix(self):
    columns, rows = table.matrix(CONTENT)
    self.assertEqual(
        ['edition', '0.12.1 (Python 2.7)', '1.4.1 (Python 2.7)']
        + ['1.15.5 (Python 3.7)', '2.0.4 (Python ?)'],
        columns,
    )
    self.assertEqual(
        [
            ['v0.7.0', 'runs', '2 bridges', 'SyntaxError', 'not tried'],
            ['v1.4.0', 'AttributeError: `tf.mul`', 'runs', 'runs', 'not tried'],
        ],
        rows,
    )

  def test_limits(self):
    _, rows = table.limits(CONTENT)
    self.assertEqual(
        [
            'v0.7.0',
            '0.12.1',
            '–',
            '1.4.1: ImportError: No module named models.image.cifar10; put '
            "there: AttributeError: 'module' object has no attribute 'mul' "
            '(`tf.mul`)',
        ],
        rows[0],
    )
    self.assertEqual(
        [
            'v1.4.0',
            '1.4.1, 1.15.5',
            "0.12.1: AttributeError: 'module' object has no attribute 'mul' "
            '(`tf.mul`)',
            '–',
        ],
        rows[1],
    )

  def test_an_edition_that_never_runs(self):
    content = {'cells': [cell(A, '0.12.1', '2.7.18', SYNTAX, None, SYNTAX)]}
    _, rows = table.limits(content)
    self.assertEqual(
        [['v0.7.0', 'none', '–', '0.12.1: SyntaxError: print']], rows
    )

  def test_editions_alike_are_one_row(self):
    names = ['t a', 't b', 't c', 't d', 't e']
    content = {
        'cells': [
            cell(name, '0.12.1', '2.7.18', found, None, found)
            for name, found in zip(names, (RAN, RAN, SYNTAX, RAN, RAN))
        ]
    }
    _, rows = table.limits(content)
    self.assertEqual(['a to b, d to e', 'c'], [row[0] for row in rows])

  def test_broken(self):
    _, rows = table.broken(CONTENT)
    self.assertEqual(
        [
            ['1.4.1', '`tf.mul`', '`tf.multiply`', 'v0.7.0'],
            ['1.4.1', '`%s`' % _CONCAT[0], '`%s`' % _CONCAT[1], 'v0.7.0'],
        ],
        rows,
    )

  def test_other_ends(self):
    for found, text in (
        (result(cells.LIMIT, code=None, seconds=180.2), 'killed after 180 s'),
        (result(cells.ENDED, code=-6), 'signal 6'),
        (result(cells.ENDED, code=3), 'exit code 3'),
    ):
      one = cell(A, '0.12.1', '2.7.18', found, None, found)
      self.assertEqual(text, table.text(one))
      self.assertEqual(text, table.first_error(one))

  def test_one_bridge(self):
    one = cell(A, '2.0.4', '3.7', NO_MUL, None, result(cells.RAN, [_MUL]))
    self.assertEqual('1 bridge', table.text(one))
    # Which is none but the place of its files.
    one = cell(A, '2.0.4', '3.7', NO_PACKAGE, result(cells.RAN, [_MUL]))
    self.assertEqual('1 bridge', table.text(one))


if __name__ == '__main__':
  absltest.main()
