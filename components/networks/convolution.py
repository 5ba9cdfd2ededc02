"""Convolutions and what stands beside them, as small_cnn and small_resnet have them."""

from __future__ import annotations

import keras

from components.networks.initialization import initializer_for
from schemas.model import Model

# Keras's own 0.99 needs hundreds of steps before the moving statistics fit: whole epochs of a small set. He et al. and
# the reference implementation of their networks have 0.9.
_MOMENTUM = 0.9


def convolution(filters: int, size: int, model: Model, name: str, **options: object) -> keras.layers.Layer:
    """A convolution of `size` x `size`, initialised for the model's activation, with its L2 penalty.

    Args:
      filters: number of output channels.
      size: height and width of the kernel, in pixels.
      model: the experiment's section.
      name: of the layer.
      options: further arguments of `keras.layers.Conv2D`.
    """
    return keras.layers.Conv2D(
        filters,
        size,
        kernel_initializer=initializer_for(model.activation),
        kernel_regularizer=penalty(model),
        name=name,
        **options,
    )


def normalization(name: str) -> keras.layers.Layer:
    """Batch normalisation (Ioffe and Szegedy 2015)."""
    return keras.layers.BatchNormalization(momentum=_MOMENTUM, name=name)


def penalty(model: Model) -> keras.regularizers.Regularizer | None:
    """The L2 penalty of a kernel; None where its weight is 0."""
    return keras.regularizers.L2(model.l2) if model.l2 else None
