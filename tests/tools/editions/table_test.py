"""The tables, computed by hand from seven cells."""

from absl.testing import absltest

from tests.tools.editions import tried
from tools.editions import cells
from tools.editions import table


class TableTest(absltest.TestCase):

  def test_matrix(self):
    columns, rows = table.matrix(tried.CONTENT)
    self.assertEqual(
        ['edition', '0.12.1 (Python 2.7)', '1.4.1 (Python 2.7)']
        + ['1.15.5 (Python 3.7)', '2.0.4 (Python ?)'],
        columns,
    )
    self.assertEqual(
        [
            ['v0.7.0', 'runs', '2 bridges', 'SyntaxError', 'not run'],
            ['v1.4.0', 'AttributeError: `tf.mul`', 'runs', 'runs', 'not run'],
        ],
        rows,
    )

  def test_limits(self):
    _, rows = table.limits(tried.CONTENT)
    self.assertEqual(
        [
            'v0.7.0',
            '0.12.1',
            '–',
            '1.4.1: ImportError: No module named models.image.cifar10; once placed '
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
    content = {
        'cells': [
            tried.cell(
                tried.A, '0.12.1', '2.7.18', tried.SYNTAX, None, tried.SYNTAX
            )
        ]
    }
    _, rows = table.limits(content)
    self.assertEqual(
        [['v0.7.0', 'none', '–', '0.12.1: SyntaxError: print']], rows
    )

  def test_equal_editions_share_a_row(self):
    names = ['t a', 't b and c', 't d', 't e and f', 't g']
    content = {
        'cells': [
            tried.cell(name, '0.12.1', '2.7.18', found, None, found)
            for name, found in zip(
                names,
                (tried.RAN, tried.RAN, tried.SYNTAX, tried.RAN, tried.RAN),
            )
        ]
    }
    _, rows = table.limits(content)
    self.assertEqual(['a to c, e to g', 'd'], [row[0] for row in rows])

  def test_broken(self):
    _, rows = table.broken(tried.CONTENT)
    self.assertEqual(
        [
            ['1.4.1', '`tf.mul`', '`tf.multiply`', 'v0.7.0'],
            [
                '1.4.1',
                '`%s`' % tried.CONCAT[0],
                '`%s`' % tried.CONCAT[1],
                'v0.7.0',
            ],
        ],
        rows,
    )

  def test_other_ends(self):
    for found, text in (
        (
            tried.result(cells.LIMIT, code=None, seconds=180.2),
            'killed after 180 s',
        ),
        (tried.result(cells.ENDED, code=-6), 'signal 6'),
        (tried.result(cells.ENDED, code=3), 'exit code 3'),
    ):
      one = tried.cell(tried.A, '0.12.1', '2.7.18', found, None, found)
      self.assertEqual(text, table.text(one))
      self.assertEqual(text, table.first_error(one))

  def test_one_bridge(self):
    one = tried.cell(
        tried.A,
        '2.0.4',
        '3.7',
        tried.NO_MUL,
        None,
        tried.result(cells.RAN, [tried.MUL]),
    )
    self.assertEqual('1 bridge', table.text(one))
    # The only bridge is the placement of the files.
    one = tried.cell(
        tried.A,
        '2.0.4',
        '3.7',
        tried.NO_PACKAGE,
        tried.result(cells.RAN, [tried.MUL]),
    )
    self.assertEqual('1 bridge', table.text(one))
