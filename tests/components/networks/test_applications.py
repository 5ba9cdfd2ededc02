from __future__ import annotations

import keras
import numpy as np
import pytest

from components.errors import TrainingError
from components.networks.applications import application, application_class
from schemas.backbones import BACKBONES
from tests.components.networks.bases import base

SCALED_INSIDE = ("mobilenet_v3_small", "efficientnet_b0", "efficientnet_v2_b0", "convnext_tiny")


def scaled(network: keras.Model, colour: tuple[int, int, int]) -> np.ndarray:
    """What the first convolution gets for an image of one colour, away from the border."""
    stem = next(layer for layer in network.layers if layer.weights)
    before = keras.Model(network.input, stem.input)
    image = np.broadcast_to(np.array(colour, np.float32), (1, *network.input_shape[1:]))
    return np.asarray(before(image))[0, 9, 9]


@pytest.mark.parametrize("name", SCALED_INSIDE)
def test_families_that_scale_their_input_do(name: str) -> None:
    """Where the table has a backbone take 0 to 255, black and white become -1 and 1, or ImageNet's -2 and 2."""
    assert BACKBONES[name].normalization == "none"
    black, white = (scaled(base(name), (value,) * 3) for value in (0, 255))
    if name == "mobilenet_v3_small":
        np.testing.assert_allclose([black, white], [[-1] * 3, [1] * 3], atol=1e-5)
    else:
        mean, deviation = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
        np.testing.assert_allclose([black, white], [-mean / deviation, (1 - mean) / deviation], rtol=1e-4)


def test_families_that_do_not_scale_get_the_image_as_it_is() -> None:
    """Where the table names a normalisation, the first convolution gets what it gave."""
    np.testing.assert_array_equal(scaled(base("mobilenet_v2"), (10, 20, 30)), [10, 20, 30])


def test_scaling_has_no_weights() -> None:
    """What a family scales its input by is constant, so that weights alone make a network what it is."""
    for name in SCALED_INSIDE:
        assert not any(isinstance(layer, keras.layers.Normalization) and layer.weights for layer in base(name).layers)
    assert len(base("efficientnet_b0").weights) == len(keras.applications.EfficientNetB0(False, None).weights) - 3


@pytest.mark.parametrize("name", ["vgg16", "inception_v3", "mobilenet"])
def test_the_smallest_images_are_those_of_the_table(name: str) -> None:
    """A network is built for the smallest size that the table has, and a pixel less is refused, with what to do."""
    size = BACKBONES[name].smallest_size
    assert application(name, size, size + 1).output_shape[1:3] == (1, 1)
    told = rf"images of {size} x {size - 1} pixels are too small for {name}, which takes {size} x {size} or more; raise"
    with pytest.raises(TrainingError, match=told):
        application(name, size, size - 1)


def test_own_backbones_are_not_of_keras() -> None:
    """Asked for a class of keras.applications, a backbone of our own is refused."""
    assert application_class("vgg19") is keras.applications.VGG19
    with pytest.raises(TrainingError, match=r"small_cnn is none of them; write random"):
        application_class("small_cnn")
