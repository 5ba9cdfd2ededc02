"""A small convolutional network for small images."""

from __future__ import annotations

import keras

from components.trainer.initialization import initializer_for
from schemas.model import Model


def small_cnn(images: keras.KerasTensor, model: Model) -> keras.KerasTensor:
    """Blocks of a 3 x 3 convolution and 2 x 2 max pooling, then flattened.

    Args:
      images: float32 [batch, height, width, channels].
      model: the experiment's section; `filters` has a number for each block.

    Returns:
      float32 [batch, features].

    Raises:
      ValueError: the images are too small for so many blocks.
    """
    x = images
    for block, filters in enumerate(model.filters):
        if min(x.shape[1:3]) < (2 if model.padding == "same" else 4):
            raise ValueError(
                f"images of {images.shape[1]} x {images.shape[2]} pixels are too small for {len(model.filters)} blocks"
                f" of small_cnn: block {block + 1} has {x.shape[1]} x {x.shape[2]} left;"
                " shorten model.filters or raise preprocessing.height and width"
            )
        x = keras.layers.Conv2D(
            filters,
            kernel_size=3,
            padding=model.padding,
            activation=model.activation,
            kernel_initializer=initializer_for(model.activation),
        )(x)
        x = keras.layers.MaxPooling2D()(x)
    return keras.layers.Flatten()(x)
