from __future__ import annotations

import keras
import numpy as np
import pytest

from components.networks.convolution import convolution, normalization, penalty
from schemas.model import Model


def test_a_convolution_has_the_models_initializer_and_penalty() -> None:
    """Its kernel is drawn for the activation, and its square, weighted by l2, is a loss of the layer."""
    layer = convolution(8, 5, Model.model_validate({"activation": "tanh", "l2": 0.01}), "first", strides=2)
    layer.build((None, 16, 16, 3))
    assert (layer.name, layer.kernel_size, layer.strides) == ("first", (5, 5), (2, 2))
    assert type(layer.kernel_initializer).__name__ == "GlorotUniform"
    assert float(sum(layer.losses)) == pytest.approx(0.01 * float(np.square(layer.kernel).sum()), rel=1e-5)


def test_without_l2_there_is_no_penalty() -> None:
    """A weight of 0 adds no loss at all."""
    assert penalty(Model()) is None
    layer = convolution(8, 3, Model(), "first")
    layer.build((None, 16, 16, 3))
    assert layer.losses == []


def test_moving_statistics_fit_after_few_steps() -> None:
    """After 30 steps, an epoch of a small set, the moving mean is within 5 % of the data's."""
    layer = normalization("norm")
    images = np.random.default_rng(0).normal(10, 1, (64, 4, 4, 2)).astype(np.float32)
    for _ in range(30):
        layer(images, training=True)
    np.testing.assert_allclose(np.asarray(layer.moving_mean), images.mean(axis=(0, 1, 2)), rtol=0.05)
    assert isinstance(layer, keras.layers.BatchNormalization)
