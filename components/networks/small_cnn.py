"""A small convolutional network for small images."""

from __future__ import annotations

import keras

from components.errors import TrainingError
from components.networks.convolution import convolution, normalization
from schemas.model import Model

_KERNEL = 3


def small_cnn(images: keras.KerasTensor, model: Model) -> keras.KerasTensor:
    """Blocks of 3 x 3 convolutions and 2 x 2 max pooling.

    Args:
      images: float32 [batch, height, width, channels].
      model: the experiment's section; `filters` has a number for each block, `depth` says how many
        convolutions each one has.

    Returns:
      [batch, height', width', filters].

    Raises:
      TrainingError: the images are too small for so many blocks.
    """
    x = images
    given_up = model.depth * (_KERNEL - 1) if model.padding == "valid" else 0
    for block, filters in enumerate(model.filters, start=1):
        if min(x.shape[1:3]) < 2 + given_up:
            raise TrainingError(
                f"images of {images.shape[1]} x {images.shape[2]} pixels are too small for {len(model.filters)} blocks"
                f" of small_cnn: block {block} has {x.shape[1]} x {x.shape[2]} left, and needs {2 + given_up};"
                f" shorten model.filters{', lower model.depth' if given_up else ''}"
                " or raise preprocessing.height and width"
            )
        for index in range(1, model.depth + 1):
            x = _convolved(x, filters, model, f"block{block}_conv{index}")
        x = keras.layers.MaxPooling2D(name=f"block{block}_pool")(x)
    return x


def _convolved(x: keras.KerasTensor, filters: int, model: Model, name: str) -> keras.KerasTensor:
    if not model.batch_normalization:
        return convolution(filters, _KERNEL, model, name, padding=model.padding, activation=model.activation)(x)
    x = convolution(filters, _KERNEL, model, name, padding=model.padding, use_bias=False)(x)
    x = normalization(f"{name}_norm")(x)
    return keras.layers.Activation(model.activation, name=f"{name}_activation")(x)
