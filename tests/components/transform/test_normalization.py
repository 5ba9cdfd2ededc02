from __future__ import annotations

from typing import get_args

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.transform.normalization import Normalization, fixed_normalization
from schemas import preprocessing
from tests.components.images import noise

KINDS = [kind for kind in get_args(preprocessing.Normalization) if kind != "standardize"]
PIXELS = noise(9, 8, 3).astype(np.float32)
LUMA = np.array([0.299, 0.587, 0.114])


@pytest.mark.parametrize(("kind", "mode"), [("imagenet_bgr", "caffe"), ("symmetric", "tf"), ("imagenet", "torch")])
def test_pretrained_backbones_see_what_they_were_made_for(kind: str, mode: str) -> None:
    """Equal to what keras.applications does to RGB images in each of its modes."""
    expected = keras.applications.imagenet_utils.preprocess_input(PIXELS.copy(), data_format="channels_last", mode=mode)
    normalized = fixed_normalization(kind, 3)(tf.constant(PIXELS))
    np.testing.assert_allclose(normalized, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("kind", "expected"), [("none", PIXELS), ("rescale", PIXELS / 255)])
@pytest.mark.parametrize("channels", [1, 3])
def test_simple_scalings_are_what_they_say(kind: str, expected: np.ndarray, channels: int) -> None:
    """none leaves 0 to 255, rescale gives 0 to 1."""
    normalized = fixed_normalization(kind, channels)(tf.constant(PIXELS[..., :channels]))
    np.testing.assert_allclose(normalized, expected[..., :channels], rtol=1e-6)


@pytest.mark.parametrize("kind", ["imagenet", "imagenet_bgr"])
def test_gray_images_are_weighed_as_luma(kind: str) -> None:
    """With one channel, what is taken off and divided by is the three channels' own, weighed as luma."""
    gray, color = fixed_normalization(kind, 1), fixed_normalization(kind, 3)
    weights = LUMA[::-1] if kind == "imagenet_bgr" else LUMA
    np.testing.assert_allclose(gray.offset, [color.offset @ weights], rtol=1e-6)
    np.testing.assert_allclose(gray.scale, [color.scale @ weights], rtol=1e-6)
    assert gray(tf.constant(PIXELS[..., :1])).shape == (9, 8, 1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("channels", [1, 3])
def test_figures_are_float32_for_each_channel(kind: str, channels: int) -> None:
    """Also where all channels have the same; the outcome of a batch is float32 of its shape."""
    normalization = fixed_normalization(kind, channels)
    for values in (normalization.offset, normalization.scale):
        assert (values.dtype, values.shape) == (np.float32, (channels,))
    batch = normalization(tf.zeros([2, 4, 5, channels]))
    assert (batch.dtype, batch.shape) == (tf.float32, (2, 4, 5, channels))


def test_the_order_is_that_of_the_channels_that_come_out() -> None:
    """imagenet_bgr turns the channels round before it takes off; others do not."""
    pixels = tf.constant([[[10.0, 20.0, 30.0]]])
    turned = Normalization("imagenet_bgr", np.array([3, 2, 1], np.float32), np.array([1, 2, 4], np.float32))(pixels)
    np.testing.assert_array_equal(turned, [[[27, 9, 2.25]]])
    kept = Normalization("standardize", np.array([3, 2, 1], np.float32), np.array([1, 2, 4], np.float32))(pixels)
    np.testing.assert_array_equal(kept, [[[7, 9, 7.25]]])
