from __future__ import annotations

import keras
import numpy as np
import pytest

from components.networks.small_resnet import small_resnet
from schemas.model import Model


def build(model: Model, size: int = 16) -> keras.Model:
    images = keras.Input((size, size, 1))
    return keras.Model(images, small_resnet(images, model))


def convolutions(network: keras.Model) -> list[keras.layers.Conv2D]:
    return [layer for layer in network.layers if isinstance(layer, keras.layers.Conv2D)]


@pytest.mark.parametrize("depth", [1, 3])
def test_stages_halve_the_image(depth: int) -> None:
    """Every stage but the first halves height and width, in its first block alone."""
    network = build(Model(filters=(4, 8, 16), depth=depth), size=28)
    assert network.output_shape == (None, 7, 7, 16)
    # The stem, two for each block, and a projection for each stage that changes the shape.
    assert len(convolutions(network)) == 1 + 2 * 3 * depth + 2
    assert sorted(layer.strides for layer in convolutions(network))[-4:] == [(2, 2)] * 4
    assert sum(layer.strides == (2, 2) for layer in convolutions(network)) == 4


def test_shortcuts_are_projected_only_where_the_shape_changes() -> None:
    """A stage of the same number of filters is projected for its stride; the first stage is not at all."""
    network = build(Model(filters=(4, 4, 6)))
    assert [layer.name for layer in convolutions(network) if layer.kernel_size == (1, 1)] == [
        "stage2_block1_projection",
        "stage3_block1_projection",
    ]


def test_a_block_that_adds_nothing_passes_on_what_it_got() -> None:
    """Nothing but the sum stands on the way past a block: with its last kernel at zero, the block is the identity."""
    network = build(Model(filters=(4,), depth=2))
    for name in ("stage1_block1_2_conv", "stage1_block2_2_conv"):
        network.get_layer(name).kernel.assign(np.zeros((3, 3, 4, 4)))
    inside = keras.Model(network.input, [network.get_layer(name).output for name in ("stem", "stage1_block2_sum")])
    before, after = inside(np.random.default_rng(0).normal(size=(2, 16, 16, 1)).astype(np.float32))
    np.testing.assert_array_equal(before, after)
    assert np.std(before) > 0


def test_each_convolution_in_a_block_is_normalized_and_activated_before() -> None:
    """There is no bias; batch normalisation and the model's activation stand before each 3 x 3, and at the top."""
    network = build(Model.model_validate({"filters": (4, 5), "activation": "silu"}))
    assert not any(layer.use_bias for layer in convolutions(network))
    activations = [layer for layer in network.layers if isinstance(layer, keras.layers.Activation)]
    assert all(layer.activation is keras.activations.silu for layer in activations)
    norms = [layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert len(activations) == len(norms) == 2 * 2 + 1
    assert network.layers[-1] is activations[-1]


@pytest.mark.parametrize("size", [8, 9, 1])
def test_small_images_are_taken(size: int) -> None:
    """Padding keeps a pixel in the smallest of maps."""
    assert build(Model(filters=(2, 2, 2)), size).output_shape[1] == -(-size // 4)
