from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray
from PIL import Image

from components.transform.sizing import fit_to_size
from schemas.preprocessing import Preprocessing
from tests.components.images import Pixels, noise

if TYPE_CHECKING:
    pass

Interpolation = Literal["nearest", "bilinear", "bicubic", "area"]
INTERPOLATIONS = get_args(Interpolation)
LUMA = (0.299, 0.587, 0.114)
Fit = Callable[[NDArray, Preprocessing], NDArray]


def fit_alone(pixels: NDArray, config: Preprocessing) -> NDArray:
    return fit_to_size(tf.constant(pixels, tf.float32), config).numpy()


def fit_in_tf_data(pixels: NDArray, config: Preprocessing) -> NDArray:
    images = tf.data.Dataset.from_tensors(pixels.astype(np.float32))
    [fitted] = images.map(lambda image: fit_to_size(image, config)).as_numpy_iterator()
    return np.asarray(fitted)


def fit_exported(pixels: NDArray, config: Preprocessing, directory: str) -> NDArray:
    module = tf.Module()
    signature = [tf.TensorSpec([None, None, config.channels], tf.float32)]
    module.fit = tf.function(lambda image: fit_to_size(image, config), input_signature=signature)
    tf.saved_model.save(module, directory)
    return np.asarray(tf.saved_model.load(directory).fit(tf.constant(pixels, tf.float32)))


@pytest.fixture(params=["alone", "in tf.data", "exported"])
def fit(request: pytest.FixtureRequest, tmp_path: Path) -> Fit:
    """`fit_to_size`, called alone, in a tf.data pipeline, and in an exported graph."""
    ways: dict[str, Fit] = {
        "alone": fit_alone,
        "in tf.data": fit_in_tf_data,
        "exported": functools.partial(fit_exported, directory=str(tmp_path)),
    }
    return ways[request.param]


def config(height: int, width: int, interpolation: str = "bilinear", **values: object) -> Preprocessing:
    shape = {"height": height, "width": width, "channels": 1, "interpolation": interpolation}
    return Preprocessing.model_validate({**shape, **values})


def pillow(pixels: Pixels, height: int, width: int, method: Image.Resampling) -> NDArray:
    """One channel, resized by Pillow in floating point."""
    image = Image.fromarray(pixels[..., 0].astype(np.float32))
    return np.asarray(image.resize((width, height), method))[..., None]


@pytest.mark.parametrize("fit_name", ["stretch", "pad"])
@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_an_image_of_the_right_size_is_untouched(interpolation: str, fit_name: str) -> None:
    """Where height and width fit already, every pixel stays as it is, to the bit."""
    pixels = noise(7, 9, 1) + np.float32(0.3)
    fitted = fit_alone(pixels, config(7, 9, interpolation, fit=fit_name))
    np.testing.assert_array_equal(fitted, pixels.astype(np.float32))


@pytest.mark.parametrize("size", [(20, 31), (5, 4), (11, 5)], ids=["larger", "smaller", "both"])
@pytest.mark.parametrize(
    ("interpolation", "method"),
    [("bilinear", Image.Resampling.BILINEAR), ("bicubic", Image.Resampling.BICUBIC)],
)
def test_stretching_is_pillows(interpolation: str, method: Image.Resampling, size: tuple[int, int], fit: Fit) -> None:
    """Bilinear and bicubic resizing, antialiased, equal Pillow's, but for bicubic's overshoot, which is cut off."""
    pixels = noise(10, 13, 1)
    fitted = fit(pixels, config(*size, interpolation))
    assert fitted.shape == (*size, 1)
    np.testing.assert_allclose(fitted, np.clip(pillow(pixels, *size, method), 0, 255), atol=0.01)


def test_nearest_and_area_are_what_they_say() -> None:
    """Nearest doubles each pixel; area halves by the mean of each block of four."""
    pixels = noise(6, 8, 1)
    doubled = fit_alone(pixels, config(12, 16, "nearest"))
    np.testing.assert_array_equal(doubled, pixels.repeat(2, axis=0).repeat(2, axis=1))
    blocks = pixels.reshape(3, 2, 4, 2, 1).mean(axis=(1, 3))
    np.testing.assert_allclose(fit_alone(pixels, config(3, 4, "area")), blocks, rtol=1e-6)


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_antialiasing_can_be_switched_off(interpolation: str) -> None:
    """Made smaller without the filter, an image of fine stripes is no even gray."""
    stripes = np.tile(np.array([0, 255], np.uint8), 32).reshape(1, 64, 1).repeat(64, axis=0)
    smoothed = fit_alone(stripes, config(9, 9, interpolation))
    sampled = fit_alone(stripes, config(9, 9, interpolation, antialias=False))
    assert smoothed.std() < 10
    assert sampled.std() > 40


def test_bicubic_stays_in_range() -> None:
    """At the sharpest edges, values still go from 0 to 255."""
    pixels = np.zeros((9, 9, 1), np.uint8)
    pixels[:, 4:] = 255
    fitted = fit_alone(pixels, config(30, 30, "bicubic"))
    assert (fitted.min(), fitted.max()) == (0, 255)


@pytest.mark.parametrize(
    ("shape", "rows", "columns"),
    [
        ((4, 8), slice(2, 6), slice(0, 8)),
        ((8, 4), slice(0, 8), slice(2, 6)),
        ((5, 8), slice(1, 6), slice(0, 8)),
        ((8, 16), slice(2, 6), slice(0, 8)),
        ((2, 1), slice(0, 8), slice(2, 6)),
        ((3, 3), slice(0, 8), slice(0, 8)),
    ],
)
@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_padding_keeps_the_shape_of_what_is_seen(
    interpolation: str, shape: tuple[int, int], rows: slice, columns: slice
) -> None:
    """The image, scaled evenly, stands in the middle and fills one direction; all else is zero."""
    fitted = fit_alone(np.full((*shape, 1), 200), config(8, 8, interpolation, fit="pad"))
    expected = np.zeros((8, 8, 1))
    expected[rows, columns] = 200
    np.testing.assert_allclose(fitted, expected, atol=1e-3)


def test_padding_does_not_blur_what_fits(fit: Fit) -> None:
    """An image that fills one direction already is moved, not resized."""
    pixels = noise(4, 8, 1)
    fitted = fit(pixels, config(8, 8, fit="pad"))
    np.testing.assert_allclose(fitted[2:6], pixels, atol=1e-3)
    assert fitted.sum() == pytest.approx(pixels.sum(), rel=1e-5)


@pytest.mark.parametrize("fit_name", ["stretch", "pad"])
@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_extreme_shapes_can_be_fitted(interpolation: str, fit_name: str) -> None:
    """A single pixel, a line and a column fill the size, or at least one row or column of it."""
    for shape in ((1, 1), (1, 100), (100, 1), (3, 1000)):
        fitted = fit_alone(np.full((*shape, 1), 100), config(10, 9, interpolation, fit=fit_name))
        assert fitted.shape == (10, 9, 1)
        filled = fitted[fitted > 0]
        np.testing.assert_allclose(filled, 100, atol=1e-3)
        fewest = min(9, 10) if fit_name == "pad" else 90
        assert filled.size >= fewest, shape


def test_the_size_is_known_beforehand() -> None:
    """Graphs are built on the static shape: that of the model's input."""
    images = tf.data.Dataset.from_tensors(noise(5, 5, 3).astype(np.float32))
    fitted = images.map(lambda image: fit_to_size(image, config(6, 7, channels=3)))
    assert fitted.element_spec == tf.TensorSpec([6, 7, 3], tf.float32)
