"""A residual network for small images."""

from __future__ import annotations

import keras

from components.networks.convolution import convolution, normalization
from schemas.model import Model

_KERNEL = 3


def small_resnet(images: keras.KerasTensor, model: Model) -> keras.KerasTensor:
    """Stages of residual blocks, behind a 3 x 3 convolution that keeps height and width.

    He et al. 2016a ("Deep Residual Learning for Image Recognition", section 4.2, their network for
    CIFAR-10) in the form of He et al. 2016b ("Identity Mappings in Deep Residual Networks"):
    normalisation and activation before each convolution, nothing on the way past the blocks but a
    1 x 1 projection where the shape changes.

    Args:
      images: float32 [batch, height, width, channels].
      model: the experiment's section; `filters` has a number for each stage, `depth` says how many
        blocks of two convolutions each one has. All stages but the first halve height and width.

    Returns:
      [batch, height', width', filters].
    """
    x = convolution(model.filters[0], _KERNEL, model, "stem", padding="same", use_bias=False)(images)
    for stage, filters in enumerate(model.filters, start=1):
        for block in range(1, model.depth + 1):
            stride = 2 if stage > 1 and block == 1 else 1
            x = _residual(x, filters, stride, model, f"stage{stage}_block{block}")
    return _activated(x, model, "top")


def _residual(x: keras.KerasTensor, filters: int, stride: int, model: Model, name: str) -> keras.KerasTensor:
    activated = _activated(x, model, f"{name}_1")
    past = x
    if stride != 1 or x.shape[-1] != filters:
        past = convolution(filters, 1, model, f"{name}_projection", strides=stride, use_bias=False)(activated)
    y = convolution(filters, _KERNEL, model, f"{name}_1_conv", strides=stride, padding="same", use_bias=False)(
        activated
    )
    y = _activated(y, model, f"{name}_2")
    y = convolution(filters, _KERNEL, model, f"{name}_2_conv", padding="same", use_bias=False)(y)
    return keras.layers.Add(name=f"{name}_sum")([past, y])


def _activated(x: keras.KerasTensor, model: Model, name: str) -> keras.KerasTensor:
    x = normalization(f"{name}_norm")(x)
    return keras.layers.Activation(model.activation, name=f"{name}_activation")(x)
