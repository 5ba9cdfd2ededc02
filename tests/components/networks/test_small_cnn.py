from __future__ import annotations

import keras
import pytest

from components.errors import TrainingError
from components.networks.small_cnn import small_cnn
from schemas.model import Model


def build(height: int, width: int, model: Model) -> keras.Model:
    images = keras.Input((height, width, 1))
    return keras.Model(images, small_cnn(images, model))


@pytest.mark.parametrize(("padding", "features"), [("same", (28 // 4, 20 // 4, 5)), ("valid", (5, 3, 5))])
def test_blocks_halve_the_image(padding: str, features: tuple[int, int, int]) -> None:
    """Each block convolves by 3 x 3 and halves; `valid` also gives up a pixel on each side before."""
    network = build(28, 20, Model.model_validate({"filters": (4, 5), "padding": padding}))
    assert network.output_shape == (None, *features)
    convolutions = [layer for layer in network.layers if isinstance(layer, keras.layers.Conv2D)]
    assert [(layer.filters, layer.kernel_size) for layer in convolutions] == [(4, (3, 3)), (5, (3, 3))]


def test_depth_is_convolutions_per_block() -> None:
    """A block has as many convolutions as `depth` says before it halves."""
    network = build(28, 28, Model(filters=(4, 5), depth=2, padding="valid"))
    assert [type(layer).__name__ for layer in network.layers[1:]] == ["Conv2D", "Conv2D", "MaxPooling2D"] * 2
    assert [layer.filters for layer in network.layers if isinstance(layer, keras.layers.Conv2D)] == [4, 4, 5, 5]
    assert network.output_shape == (None, 4, 4, 5)


def test_normalization_stands_between_convolution_and_activation() -> None:
    """With batch normalisation a convolution has no bias, which the normalisation would take off again."""
    network = build(8, 8, Model.model_validate({"filters": (4,), "batch_normalization": True, "activation": "elu"}))
    kinds = ["Conv2D", "BatchNormalization", "Activation", "MaxPooling2D"]
    assert [type(layer).__name__ for layer in network.layers[1:]] == kinds
    convolution, _, activation = network.layers[1:4]
    assert not convolution.use_bias
    assert convolution.activation is keras.activations.linear
    assert activation.activation is keras.activations.elu


@pytest.mark.parametrize(
    ("size", "padding", "num_blocks", "depth"),
    [(8, "same", 3, 1), (2, "same", 1, 3), (4, "valid", 1, 1), (10, "valid", 2, 1), (8, "valid", 1, 3)],
)
def test_the_smallest_images_that_fit(size: int, padding: str, num_blocks: int, depth: int) -> None:
    """Images can be as small as leaves a pixel after the last block; one pixel less is too small."""
    model = Model.model_validate({"filters": (2,) * num_blocks, "padding": padding, "depth": depth})
    assert build(size, size, model).output_shape == (None, 1, 1, 2)
    for height, width in ((size - 1, size), (size, size - 1)):
        with pytest.raises(TrainingError, match="too small"):
            build(height, width, model)


def test_images_that_are_too_small_are_refused() -> None:
    """The error tells the images' size, the block that has too little left, what it needs, and the ways to mend it."""
    told = r"images of 9 x 5 pixels .* 3 blocks .* block 3 has 2 x 1 left, and needs 2; shorten model\.filters or raise"
    with pytest.raises(TrainingError, match=told):
        build(9, 5, Model(filters=(2, 2, 2)))
    with pytest.raises(TrainingError, match=r"block 2 has 3 x 3 left, and needs 6; .*, lower model\.depth or raise"):
        build(10, 10, Model(filters=(2, 2), depth=2, padding="valid"))
