"""Convolution by Winograd's minimal filtering, as TensorFlow matrix products.

Derivation (Toom and Cook; Winograd, 1980; Lavin and Gray, arXiv:1509.09308).
Let a filter of r taps slide over a signal, and let m neighboring outputs be
computed at once.  In the transposed problem, the outputs and the filter are the
coefficients of two polynomials, with m and r coefficients; the product of the
polynomials has n = m + r - 1 coefficients.  Its values at n points determine
the product; one point may be infinity, where the value is the leading
coefficient.  So with

  A^T [m, n]:  powers of the points: row k has p ** k
  G   [n, r]:  the filter's values, p ** k over the product of p - q
  B^T [n, n]:  the coefficients of the polynomials that vanish at all points
               except one

the m outputs over a piece d of n inputs are

  y = A^T [(G g) * (B^T d)]

with n products of numbers instead of m * r.  In two dimensions, each matrix is
applied to rows and columns: 4 x 4 outputs of 5 x 5 taps take 64 products
instead of 400.  With many channels, each product of numbers becomes a product
of matrices, [pixels, in_channels] times [in_channels, channels], for each of
the n * n places.

Small points keep the values small: 0, 1, -1, 2, -2, 1/2, -1/2 and infinity.
The matrices A^T, G and B^T are computed with fractions, and rounded once.

Images have rows and columns as their first dimensions.  One product then
transforms all pieces of all images: its matrix contains B^T once per piece,
shifted by m.  The images need not be cut into pieces or padded: the matrix
omits the columns that would multiply the zeros beyond the edges.
"""

from collections.abc import Callable, Sequence
import fractions
import functools
import math
from typing import NamedTuple

import numpy as np
import tensorflow.compat.v1 as tf

# The finite points, in order of use; infinity is the last point.
_POINTS = (0, 1, -1, 2, -2, fractions.Fraction(1, 2), fractions.Fraction(-1, 2))

# A matrix before rounding, as a list of rows.
_Rows = Sequence[Sequence[int | fractions.Fraction]]


class Matrices(NamedTuple):
  """The matrices of Winograd's method, as float64; computed as fractions."""

  output: np.ndarray  # A^T, [m, m + r - 1]
  filter: np.ndarray  # G, [m + r - 1, r]
  input: np.ndarray  # B^T, [m + r - 1, m + r - 1]


@functools.lru_cache(maxsize=None)
def matrices(m: int, r: int) -> Matrices:
  """Computes the matrices for m outputs of a filter of r taps.

  Args:
    m: at least 1.
    r: at least 1, with m + r at most 9.

  Raises:
    ValueError: there are not enough points for m outputs and r taps.
  """
  n = m + r - 1
  if m < 1 or r < 1 or n - 1 > len(_POINTS):
    raise ValueError(
        f'm = {m} and r = {r}: each must be at least 1, and m + r at most '
        f'{len(_POINTS) + 2}'
    )
  points = [fractions.Fraction(p) for p in _POINTS[: n - 1]]
  output = [[p**k for p in points] + [int(k == m - 1)] for k in range(m)]
  others = [points[:i] + points[i + 1 :] for i in range(n - 1)]
  scales = [math.prod(p - q for q in rest) for p, rest in zip(points, others)]
  filter_ = [[p**k / s for k in range(r)] for p, s in zip(points, scales)]
  input_ = [_coefficients(rest) + [0] for rest in others]
  # The last point is infinity.
  return _balanced(
      output,
      filter_ + [[0] * (r - 1) + [1]],
      input_ + [_coefficients(points)],
  )


def _coefficients(
    roots: list[fractions.Fraction],
) -> list[int | fractions.Fraction]:
  """Returns the coefficients of prod(x - root), starting with the constant."""
  made: list[int | fractions.Fraction] = [1]
  for root in roots:
    made = [a - root * b for a, b in zip([0] + made, made + [0])]
  return made


def _balanced(output: _Rows, filter_: _Rows, input_: _Rows) -> Matrices:
  """Rescales rows of G and B^T, so that their values are of similar size.

  Moving a power of two from one matrix to the other is exact, and similar sizes
  keep rounding errors small.
  """
  a, g, b = [np.array(rows, np.float64) for rows in (output, filter_, input_)]
  ratio = np.abs(b).max(1) / np.abs(g).max(1)
  scale = 2.0 ** np.round(np.log2(ratio) / 2)[:, np.newaxis]
  return Matrices(a, g * scale, b / scale)


def _input_matrix(size: int, m: int, r: int) -> np.ndarray:
  """Returns a float32 matrix [n * tiles, size] that transforms a row of pixels.

  Row u * tiles + i computes place u of tile i.  Pixels beyond the edge are
  zero, so the matrix has no columns for them.
  """
  tiles = -(-size // m)
  n = m + r - 1
  matrix = np.zeros([n, tiles, size])
  for tile in range(tiles):
    for tap in range(n):
      pixel = tile * m + tap - r // 2
      if 0 <= pixel < size:
        matrix[:, tile, pixel] = matrices(m, r).input[:, tap]
  return matrix.reshape([n * tiles, size]).astype(np.float32)


def conv2d(images: tf.Tensor, kernel: tf.Tensor, *, m: int = 4) -> tf.Tensor:
  """Convolves images with a square kernel: tf.nn.conv2d, stride 1, 'SAME'.

  Args:
    images: float32 tensor of shape [batch_size, height, width, in_channels];
      batch_size may be unknown.
    kernel: float32 tensor of shape [r, r, in_channels, channels], r odd.
    m: the height and width of the tile of outputs computed together, with m + r
      at most 9.  The rounding error grows with m: for r = 5 and m = 4 it is up
      to about 5e-6 of the largest output, compared with 2e-6 for direct
      convolution.

  Returns:
    float32 tensor of shape [batch_size, height, width, channels].  The
    gradients are also computed by Winograd's method.

  Raises:
    ValueError: the kernel is not square, or its size is even or too large.
  """
  r, columns, _, _ = kernel.shape.as_list()
  if r != columns or r % 2 == 0:
    raise ValueError(
        f'kernel is {r} x {columns}: it must be square and of odd size'
    )

  @tf.custom_gradient
  def convolve(
      images: tf.Tensor, kernel: tf.Tensor
  ) -> tuple[tf.Tensor, Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]]:
    shape = _Shape(images, kernel, m)
    pieces = _transform_images(images, shape)
    outputs = tf.matmul(pieces, _transform_kernel(kernel, shape))

    def grad(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
      gradients = _transform_gradients(upstream, shape)
      turned = _transform_kernel(tf.transpose(kernel, [0, 1, 3, 2]), shape)
      return (
          _restore_images(tf.matmul(gradients, turned), shape),
          _restore_kernel(
              tf.matmul(pieces, gradients, transpose_a=True), shape
          ),
      )

    return _collect_outputs(outputs, shape), grad

  return convolve(tf.convert_to_tensor(images), tf.convert_to_tensor(kernel))


class _Shape:
  """The sizes and the float32 matrices of one convolution.

  Attributes:
    m, r, n: ints: the outputs per tile and dimension, the taps, and the n = m +
      r - 1 places.
    height, width, down, across: ints: the size in pixels and in tiles.
    channels_in, channels: ints: the numbers of input and output channels.
    output, filter: Matrices.output and .filter.
    rows, columns: the matrices from _input_matrix() for the height and the
      width.
  """

  def __init__(self, images: tf.Tensor, kernel: tf.Tensor, m: int) -> None:
    _, self.height, self.width, self.channels_in = images.shape.as_list()
    self.r, _, _, self.channels = kernel.shape.as_list()
    self.m = m
    self.n = m + self.r - 1
    self.down = -(-self.height // m)
    self.across = -(-self.width // m)
    self.output = matrices(m, self.r).output.astype(np.float32)
    # Transform rows and columns in one step, since a kernel is small.
    self.filter = np.kron(*[matrices(m, self.r).filter] * 2).astype(np.float32)
    self.rows = _input_matrix(self.height, m, self.r)
    self.columns = _input_matrix(self.width, m, self.r)


def _transform_images(images: tf.Tensor, shape: _Shape) -> tf.Tensor:
  """Applies B^T to the rows and columns of all tiles.

  Returns:
    float32 tensor of shape [n, down, n, across * batch_size, channels_in].
  """
  places = tf.reshape(tf.transpose(images, [1, 2, 0, 3]), [shape.height, -1])
  places = tf.reshape(
      tf.matmul(shape.rows, places),
      [shape.n * shape.down, shape.width, -1],
  )
  # The extra dimension broadcasts the matrix over the rows.
  return tf.reshape(
      tf.matmul(shape.columns[np.newaxis], places),
      [shape.n, shape.down, shape.n, -1, shape.channels_in],
  )


def _restore_images(pieces: tf.Tensor, shape: _Shape) -> tf.Tensor:
  """Applies the transpose of _transform_images() to get the gradient."""
  places = tf.reshape(
      pieces, [shape.n * shape.down, shape.n * shape.across, -1]
  )
  places = tf.reshape(
      tf.matmul(shape.columns.T[np.newaxis], places),
      [shape.n * shape.down, -1],
  )
  images = tf.reshape(
      tf.matmul(shape.rows.T, places),
      [shape.height, shape.width, -1, shape.channels_in],
  )
  return tf.transpose(images, [2, 0, 1, 3])


def _transform_kernel(kernel: tf.Tensor, shape: _Shape) -> tf.Tensor:
  """Applies G to the rows and columns of a kernel.

  Args:
    kernel: float32 tensor of shape [r, r, x, y].
    shape: the shape of the convolution.

  Returns:
    float32 tensor of shape [n, 1, n, x, y].
  """
  x, y = kernel.shape.as_list()[2:]
  flat = tf.reshape(kernel, [shape.r * shape.r, x * y])
  return tf.reshape(tf.matmul(shape.filter, flat), [shape.n, 1, shape.n, x, y])


def _restore_kernel(products: tf.Tensor, shape: _Shape) -> tf.Tensor:
  """Applies the transpose of _transform_kernel() to the sum over the tiles.

  Args:
    products: float32 tensor of shape [n, down, n, channels_in, channels].
    shape: the shape of the convolution.

  Returns:
    float32 tensor of shape [r, r, channels_in, channels].
  """
  flat = tf.reshape(
      tf.reduce_sum(products, 1),
      [shape.n * shape.n, shape.channels_in * shape.channels],
  )
  return tf.reshape(
      tf.matmul(shape.filter.T, flat),
      [shape.r, shape.r, shape.channels_in, shape.channels],
  )


def _collect_outputs(outputs: tf.Tensor, shape: _Shape) -> tf.Tensor:
  """Applies A^T to the rows and columns of all tiles, and joins them.

  Args:
    outputs: float32 tensor of shape [n, down, n, across * batch_size,
      channels].
    shape: the shape of the convolution.

  Returns:
    float32 tensor of shape [batch_size, height, width, channels].
  """
  places = tf.reshape(outputs, [shape.n * shape.down, shape.n, -1])
  places = tf.reshape(
      tf.matmul(shape.output[np.newaxis], places), [shape.n, -1]
  )
  tiles = tf.reshape(
      tf.matmul(shape.output, places),
      [shape.m, shape.down, shape.m, shape.across, -1, shape.channels],
  )
  images = tf.reshape(
      tf.transpose(tiles, [4, 1, 0, 3, 2, 5]),
      [-1, shape.down * shape.m, shape.across * shape.m, shape.channels],
  )
  # If m does not divide the size, the last tiles extend beyond the edge.
  return images[:, : shape.height, : shape.width]


def _transform_gradients(upstream: tf.Tensor, shape: _Shape) -> tf.Tensor:
  """Applies the transpose of _collect_outputs() to get the gradient."""
  upstream = tf.pad(
      upstream,
      [
          [0, 0],
          [0, shape.down * shape.m - shape.height],
          [0, shape.across * shape.m - shape.width],
          [0, 0],
      ],
  )
  tiles = tf.reshape(
      upstream,
      [-1, shape.down, shape.m, shape.across, shape.m, shape.channels],
  )
  places = tf.reshape(tf.transpose(tiles, [2, 1, 4, 3, 0, 5]), [shape.m, -1])
  places = tf.reshape(
      tf.matmul(shape.output.T, places), [shape.n * shape.down, shape.m, -1]
  )
  return tf.reshape(
      tf.matmul(shape.output.T[np.newaxis], places),
      [shape.n, shape.down, shape.n, -1, shape.channels],
  )
