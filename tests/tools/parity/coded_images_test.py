"""Known distortions are decoded."""

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_compat.data import checks
from cifar10_compat.data import datasets
from tools.parity import coded_images


def _distorted(image, *, y, x, flipped, contrast, brightness=0):
  """Distorts a [32, 32, 3] image step by step, as the tutorial does."""
  crop = image[y : y + 24, x : x + 24].astype(np.float64)
  if flipped:
    crop = np.fliplr(crop)
  crop = crop + brightness
  for channel in range(3):
    mean = crop[..., channel].mean()
    crop[..., channel] = (crop[..., channel] - mean) * contrast + mean
  return ((crop - crop.mean()) / crop.std()).astype(np.float32)


class CodedImagesTest(tf.test.TestCase):

  def test_every_crop_is_decoded(self):
    images = coded_images.originals()
    known = [
        (y, x, flipped)
        for y in range(9)
        for x in range(9)
        for flipped in (0, 1)
    ]
    labels = np.arange(len(known)) % 10
    contrasts = np.linspace(0.2, 1.8, len(known))
    drawn = coded_images.read(
        np.array(
            [
                _distorted(
                    images[label],
                    y=y,
                    x=x,
                    flipped=flipped,
                    contrast=contrast,
                    brightness=60 - label,
                )
                for label, (y, x, flipped), contrast in zip(
                    labels, known, contrasts
                )
            ]
        ),
        labels,
    )
    self.assertEqual(0, drawn.not_codes)
    self.assertEqual(
        known,
        list(
            zip(
                drawn.values['crop, y'],
                drawn.values['crop, x'],
                drawn.values['flipped'],
            )
        ),
    )
    self.assertAllClose(contrasts, drawn.values['contrast'], atol=1e-4)

  def test_images_that_no_distortion_explains(self):
    images = coded_images.originals()
    good = _distorted(images[3], y=2, x=5, flipped=1, contrast=0.5)
    upside_down = good[::-1]
    spoilt = good.copy()
    spoilt[7, 7, 2] += 0.01
    batch = np.array([good, good, upside_down, spoilt])
    # The second one has the label of another image.
    drawn = coded_images.read(batch, np.array([3, 4, 3, 3]))
    self.assertEqual(3, drawn.not_codes)

  def test_files(self):
    data_dir = self.create_tempdir().full_path
    coded_images.write(data_dir)
    for eval_data, records in ((False, 5000), (True, 1000)):
      self.assertEqual(
          records, checks.check(datasets.CIFAR10, data_dir, eval_data)
      )
    path = datasets.CIFAR10.filenames(data_dir, False)[4]
    with open(path, 'rb') as f:
      f.seek(7 * 3073)
      record = np.frombuffer(f.read(3073), np.uint8)
    self.assertEqual(7, record[0])
    self.assertAllEqual(
        coded_images.originals()[7].transpose(2, 0, 1),
        record[1:].reshape(3, 32, 32),
    )
