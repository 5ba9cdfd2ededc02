from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from pipeline.datasets.png import encode_png


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (8, 8), (28, 28), (5, 300)])
def test_any_decoder_gives_the_pixels_back(height: int, width: int, channels: int) -> None:
    """TensorFlow's decoder returns exactly the pixels that went in, with the file's own channels."""
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, channels), np.uint8)
    np.testing.assert_array_equal(tf.io.decode_png(encode_png(pixels)).numpy(), pixels)


def test_every_value_survives() -> None:
    """All 256 values come back as they were, also from a view that is not contiguous."""
    pixels = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).transpose(1, 0, 2)
    np.testing.assert_array_equal(tf.io.decode_png(encode_png(pixels)).numpy(), pixels)
