"""The whole network: base, head and one logit per class."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import keras

from components.networks.backbones import BASE, build_base
from components.networks.convolution import penalty
from components.networks.initialization import initializer_for
from schemas.model import Model
from schemas.preprocessing import Preprocessing

LOGITS = "logits"


def build_network(
    model: Model, preprocessing: Preprocessing, num_classes: int, precision: str = "float32"
) -> keras.Model:
    """Builds the network that an experiment asks for, with random weights.

    Args:
      model: the experiment's section.
      preprocessing: the experiment's section; it gives the shape of the input.
      num_classes: number of logits.
      precision: Keras's policy for the layers. Under a mixed one they compute in 16 bits and their
        weights have 32.

    Returns:
      From normalised images, float32 [batch, height, width, channels], to logits, float32
      [batch, num_classes]. The base is a model inside, called `base`.

    Raises:
      TrainingError: the images are too small for the backbone.
    """
    shape = (preprocessing.height, preprocessing.width, preprocessing.channels)
    with _policy(precision):
        x = images = keras.Input(shape, name="image")
        base = build_base(model, shape)
        if base.input_shape[-1] != preprocessing.channels:
            x = keras.layers.Concatenate(name="gray_as_rgb")([images] * base.input_shape[-1])
        x = _pooling(model)(base(x))
        for index, units in enumerate(model.dense, start=1):
            x = keras.layers.Dropout(model.dropout, name=f"dropout_{index}")(x)
            x = keras.layers.Dense(
                units,
                activation=model.activation,
                kernel_initializer=initializer_for(model.activation),
                kernel_regularizer=penalty(model),
                name=f"dense_{index}",
            )(x)
        if not model.dense:
            x = keras.layers.Dropout(model.dropout, name="dropout")(x)
        logits = keras.layers.Dense(num_classes, kernel_regularizer=penalty(model), dtype="float32", name=LOGITS)(x)
        return keras.Model(images, logits, name=model.backbone)


def base_of(network: keras.Model) -> keras.Model:
    """The base of a network that `build_network` has made.

    Raises:
      ValueError: it has none.
    """
    return network.get_layer(BASE)


def _pooling(model: Model) -> keras.layers.Layer:
    kinds = {
        "average": keras.layers.GlobalAveragePooling2D,
        "max": keras.layers.GlobalMaxPooling2D,
        "flatten": keras.layers.Flatten,
    }
    usual = "flatten" if model.backbone == "small_cnn" else "average"
    return kinds[usual if model.pooling == "auto" else model.pooling](name="pooling")


@contextmanager
def _policy(name: str) -> Iterator[None]:
    """Layers made inside have this policy."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
