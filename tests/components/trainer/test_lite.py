from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray

from components.errors import TrainingError
from components.trainer.lite import convert
from components.transform.normalization import Normalization, fixed_normalization
from tests.components.images import noise

IMAGES = np.stack([noise(8, 9, 3, seed) for seed in range(16)])


@pytest.fixture(scope="module")
def network() -> keras.Model:
    """A convolution and ten classes, whose probabilities differ from image to image."""
    keras.utils.set_random_seed(0)
    images = keras.Input((8, 9, 3))
    features = keras.layers.Conv2D(4, 3, activation="relu")(images)
    return keras.Model(images, keras.layers.Dense(10, name="logits")(keras.layers.Flatten()(features)))


def normalization(kind: str = "symmetric") -> Normalization:
    return fixed_normalization(kind, 3)


def answers(content: bytes, images: NDArray = IMAGES) -> NDArray:
    runner = tf.lite.Interpreter(model_content=content).get_signature_runner("serving_default")
    return np.concatenate([runner(pixels=image[None])["probabilities"] for image in images])


def expected(network: keras.Model, kind: str = "symmetric") -> NDArray:
    return np.asarray(tf.nn.softmax(network(normalization(kind)(tf.cast(IMAGES, tf.float32)))))


def test_its_signature_is_as_promised(network: keras.Model) -> None:
    """`pixels`, uint8 [1, height, width, channels], in; `probabilities`, float32 [1, classes], out; for both kinds."""
    kinds: tuple[Any, ...] = ("float16", "int8")
    for kind in kinds:
        content = convert(network, normalization(), kind, IMAGES)
        runner = tf.lite.Interpreter(model_content=content).get_signature_runner("serving_default")
        [(name, given)] = runner.get_input_details().items()
        assert (name, given["dtype"], given["shape"].tolist()) == ("pixels", np.uint8, [1, 8, 9, 3])
        [(name, told)] = runner.get_output_details().items()
        assert (name, told["dtype"], told["shape"].tolist()) == ("probabilities", np.float32, [1, 10])


@pytest.mark.parametrize("kind", ["symmetric", "imagenet_bgr"])
def test_half_precision_changes_next_to_nothing(kind: str, network: keras.Model) -> None:
    """The probabilities of the network over normalised pixels, but for what 16 bits round off."""
    told = answers(convert(network, normalization(kind), "float16", IMAGES))
    assert np.ptp(told, axis=0).max() > 0.1
    np.testing.assert_allclose(told, expected(network, kind), atol=0.02)


def test_whole_numbers_come_close(network: keras.Model) -> None:
    """In 8 bits the probabilities move a little, and the file holds weights of 8 bits."""
    whole, half = (convert(network, normalization(), kind, IMAGES) for kind in ("int8", "float16"))
    np.testing.assert_allclose(answers(whole), expected(network), atol=0.1)
    interpreter = tf.lite.Interpreter(model_content=whole)
    weights = [tensor["dtype"] for tensor in interpreter.get_tensor_details() if len(tensor["shape"]) == 4]
    assert np.int8 in weights
    assert len(whole) < len(half)


def test_what_cannot_be_converted_is_told(network: keras.Model) -> None:
    """An operation that TensorFlow Lite lacks ends in a message that names the key to change."""

    class Lacking(keras.layers.Layer):
        def call(self, images: tf.Tensor) -> tf.Tensor:
            return tf.math.igamma(tf.ones_like(images), tf.abs(images))

    images = keras.Input((8, 9, 3))
    odd = keras.Model(images, keras.layers.Flatten()(Lacking()(images)))
    told = r"; take float16 out of export\.tflite: .*'tf\.Igamma'"
    with pytest.raises(TrainingError, match=told):
        convert(odd, normalization(), "float16", IMAGES)
