from __future__ import annotations

import keras
import pytest

from components.trainer.small_cnn import small_cnn
from schemas.model import Model


def build(height: int, width: int, model: Model) -> keras.Model:
    images = keras.Input((height, width, 1))
    return keras.Model(images, small_cnn(images, model))


@pytest.mark.parametrize(("padding", "features"), [("same", 5 * (28 // 4) * (20 // 4)), ("valid", 5 * 5 * 3)])
def test_blocks_halve_the_image(padding: str, features: int) -> None:
    """Each block convolves by 3 x 3 and halves; `valid` also gives up a pixel on each side before."""
    network = build(28, 20, Model.model_validate({"filters": (4, 5), "padding": padding}))
    assert network.output_shape == (None, features)
    convolutions = [layer for layer in network.layers if isinstance(layer, keras.layers.Conv2D)]
    assert [(layer.filters, layer.kernel_size) for layer in convolutions] == [(4, (3, 3)), (5, (3, 3))]


@pytest.mark.parametrize(
    ("size", "padding", "num_blocks"), [(8, "same", 3), (2, "same", 1), (4, "valid", 1), (10, "valid", 2)]
)
def test_the_smallest_images_that_fit(size: int, padding: str, num_blocks: int) -> None:
    """Images can be as small as leaves a pixel after the last block; one pixel less is too small."""
    model = Model.model_validate({"filters": (2,) * num_blocks, "padding": padding})
    assert build(size, size, model).output_shape == (None, 2)
    for height, width in ((size - 1, size), (size, size - 1)):
        with pytest.raises(ValueError, match="too small"):
            build(height, width, model)


def test_images_that_are_too_small_are_refused() -> None:
    """The error tells the images' size, the block that has nothing left, and both ways to mend it."""
    with pytest.raises(ValueError, match=r"images of 9 x 5 pixels .* 3 blocks .* block 3 has 2 x 1 left; .*filters or"):
        build(9, 5, Model(filters=(2, 2, 2)))
