from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from numpy.typing import NDArray

from components.errors import DataError
from components.transform.preprocessing import preprocessing_fn
from components.transform.sizing import fit_to_size
from schemas import features
from schemas.preprocessing import Normalization, Preprocessing
from tests.components.images import noise, png
from tests.components.transforms import stored, transform_of, transformed

if TYPE_CHECKING:
    from tests.components.conftest import Sample

Interpolation = Literal["nearest", "bilinear", "bicubic", "area"]
LUMA = (0.299, 0.587, 0.114)


def config(height: int, width: int, interpolation: str = "bilinear", **values: object) -> Preprocessing:
    shape = {"height": height, "width": width, "channels": 1, "interpolation": interpolation}
    return Preprocessing.model_validate({**shape, **values})


def rgb_config(normalization: str) -> Preprocessing:
    return config(6, 6, channels=3, normalization=normalization)


# So that the channels differ in mean and deviation.
DARKENED = np.array([1, 2, 3], np.uint8)
ARRAYS = [noise(4 + index, 9, 3, index) // DARKENED for index in range(8)]
EXAMPLES = [stored(png(array), label=index) for index, array in enumerate(ARRAYS)]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> NDArray:
    """The examples' pixels from 0 to 255, fitted to size."""
    transform = transform_of(tmp_path_factory.mktemp("plain"), EXAMPLES, rgb_config("none"))
    return np.asarray(transformed(transform, EXAMPLES)[features.TRANSFORMED_IMAGE])


def test_standardized_images_have_mean_0_and_deviation_1(plain: NDArray, standardized: NDArray) -> None:
    """Per channel over all analysed images, by numpy, within 1e-4."""
    assert standardized.dtype == np.float32
    assert standardized.shape == (8, 6, 6, 3)
    np.testing.assert_allclose(standardized.mean(axis=(0, 1, 2), dtype=np.float64), np.zeros(3), atol=1e-4)
    np.testing.assert_allclose(standardized.std(axis=(0, 1, 2), dtype=np.float64), np.ones(3), atol=1e-4)
    moments = plain.mean(axis=(0, 1, 2)), plain.std(axis=(0, 1, 2))
    np.testing.assert_allclose(standardized, (plain - moments[0]) / moments[1], atol=1e-4)


def test_the_stage_standardizes_by_the_training_split_alone(prepared: Sample) -> None:
    """By the real Transform stage, every split is normalised with numpy's mean and deviation of the training split."""
    layer = tft.TFTransformOutput(str(prepared.stages.path("Transform", "transform_graph"))).transform_features_layer()
    directory = prepared.stages.path("ImageExampleGen", "examples")
    pixels: dict[str, NDArray] = {}
    outputs: dict[str, NDArray] = {}
    for split in ("train", "eval", "test"):
        files = [str(path) for path in (directory / f"Split-{split}").iterdir()]
        records = [*tf.data.TFRecordDataset(files).as_numpy_iterator()]
        parsed = [tf.train.Example.FromString(record).features.feature for record in records]
        names = [feature[features.FILENAME].bytes_list.value[0].decode() for feature in parsed]
        pixels[split] = np.stack([prepared.images[name] for name in names]).astype(np.float64)
        spec = {
            features.ENCODED: tf.io.FixedLenFeature([1], tf.string),
            features.FORMAT: tf.io.FixedLenFeature([1], tf.string),
            features.HEIGHT: tf.io.FixedLenFeature([1], tf.int64),
            features.WIDTH: tf.io.FixedLenFeature([1], tf.int64),
            features.CHANNELS: tf.io.FixedLenFeature([1], tf.int64),
            features.LABEL: tf.io.FixedLenFeature([1], tf.int64),
        }
        outputs[split] = layer(tf.io.parse_example(records, spec))[features.TRANSFORMED_IMAGE].numpy()
    mean, deviation = pixels["train"].mean(), pixels["train"].std()
    for split, images in outputs.items():
        np.testing.assert_allclose(images, (pixels[split] - mean) / deviation, atol=1e-4)
    assert abs(outputs["train"].mean()) < 1e-4
    assert abs(outputs["train"].std() - 1) < 1e-4
    assert sum(len(images) for images in outputs.values()) == len(prepared.images)


def test_images_of_one_color_are_standardized_to_zero(tmp_path: Path) -> None:
    """Where nothing varies there is no division by zero, and what resizing rounds off is not blown up: all is 0."""
    examples = [stored(png(np.full((size, 13, 3), 200, np.uint8))) for size in (5, 6, 9)]
    transform = transform_of(tmp_path, examples, rgb_config("standardize"))
    images = transformed(transform, examples)[features.TRANSFORMED_IMAGE]
    np.testing.assert_allclose(images, np.zeros((3, 6, 6, 3)), atol=0.05)


def test_pixels_are_whole_numbers(plain: NDArray, tmp_path: Path) -> None:
    """What resizing gives is rounded, so that 8 bits hold it: at most half a step is lost. The label passes through."""
    outputs = transformed(transform_of(tmp_path, EXAMPLES[:1], rgb_config("rescale")), EXAMPLES)
    pixels = outputs[features.TRANSFORMED_PIXELS].numpy()
    np.testing.assert_array_equal(pixels, np.rint(pixels))
    np.testing.assert_array_equal(pixels, plain)
    config = rgb_config("none")
    for array, rounded in zip(ARRAYS, pixels, strict=True):
        exact = fit_to_size(tf.constant(array, tf.float32), config).numpy()
        assert np.abs(exact - np.rint(exact)).max() > 0.25
        assert np.abs(exact - rounded).max() <= 0.5
    assert outputs[features.TRANSFORMED_LABEL].dtype == tf.int64
    assert outputs[features.TRANSFORMED_LABEL].numpy().tolist() == list(range(8))


@pytest.mark.parametrize("channels", [1, 3])
def test_an_image_that_fits_is_decoded_alone(channels: int, tmp_path: Path) -> None:
    """Of the model's size and channels, a file's pixels are left as they are; of others, they are not passed by."""
    arrays = [noise(6, 5, count, count) for count in (1, 3)]
    examples = [stored(png(array)) for array in (*arrays, noise(5, 6, channels))]
    preprocessing = Preprocessing.model_validate(
        {"height": 6, "width": 5, "channels": channels, "normalization": "none"}
    )
    pixels = transformed(transform_of(tmp_path, examples, preprocessing), examples)[features.TRANSFORMED_PIXELS]
    for array, image in zip(arrays, pixels[:2], strict=True):
        if array.shape[-1] == channels:
            expected = array
        else:
            expected = array.repeat(3, axis=-1) if channels == 3 else np.rint(array @ LUMA)[..., None]
        np.testing.assert_allclose(image, expected, atol=1e-6)
    resized = fit_to_size(tf.constant(noise(5, 6, channels), tf.float32), preprocessing).numpy()
    np.testing.assert_array_equal(pixels[2], np.rint(resized))


@pytest.mark.parametrize(
    ("normalization", "analysed"),
    [(kind, [features.ENCODED] if kind == "standardize" else []) for kind in get_args(Normalization)],
)
def test_only_standardizing_looks_at_the_data(normalization: str, analysed: list[str]) -> None:
    """The analysis reads the training split for standardisation, and else nothing: no pass over the data."""
    values = {"preprocessing": rgb_config(normalization).model_dump_json(), "encoding": "compressed"}
    spec = {
        name: tf.TensorSpec([None], tf.string if name in (features.ENCODED, features.FORMAT) else tf.int64)
        for name in (*features.STORED_IMAGE, features.LABEL)
    }
    function = functools.partial(preprocessing_fn, custom_config=values)
    assert list(tft.get_analyze_input_columns(function, spec)) == analysed


@pytest.fixture(scope="module")
def standardized(tmp_path_factory: pytest.TempPathFactory) -> NDArray:
    """The examples as a graph made for files standardizes them."""
    transform = transform_of(tmp_path_factory.mktemp("files"), EXAMPLES, rgb_config("standardize"))
    return np.asarray(transformed(transform, EXAMPLES)[features.TRANSFORMED_IMAGE])


def test_every_encoding_is_transformed_alike(standardized: NDArray, tmp_path: Path) -> None:
    """A graph made for raw and float32 pixels gives for both, and for files, what the graph made for files gives."""
    raw = [stored(array.tobytes(), 0, "RAW", array.shape) for array in ARRAYS]
    float32 = [stored((array / 255).astype("<f4").tobytes(), 0, "FLOAT32", array.shape) for array in ARRAYS]
    transform = transform_of(tmp_path, [*raw[::2], *float32[1::2]], rgb_config("standardize"), "raw")
    for examples in (raw, float32, EXAMPLES):
        images = transformed(transform, examples)[features.TRANSFORMED_IMAGE]
        np.testing.assert_allclose(images, standardized, atol=1e-4)


def test_a_schema_without_a_fixed_shape_is_refused() -> None:
    """Where the schema lets a feature have several values or none, the error names it and what to write."""
    values = {"preprocessing": rgb_config("none").model_dump_json(), "encoding": "compressed"}
    inputs = {name: tf.constant([""]) for name in (*features.STORED_IMAGE, features.LABEL)}
    inputs[features.WIDTH] = tf.sparse.from_dense([[1]])
    with pytest.raises(DataError, match=r"gives image/width no fixed shape; write 'presence \{.*\} shape \{ \}'"):
        preprocessing_fn(inputs, values)


def test_a_schema_that_does_not_match_is_refused() -> None:
    """Where the schema lacks what an image is read by, the error names each missing feature and the mend."""
    values = {"preprocessing": rgb_config("none").model_dump_json(), "encoding": "compressed"}
    with pytest.raises(DataError, match=r"does not name image/encoded, image/width; add .* schema\.file"):
        preprocessing_fn(dict.fromkeys((features.FORMAT, features.HEIGHT, features.CHANNELS, features.LABEL)), values)
