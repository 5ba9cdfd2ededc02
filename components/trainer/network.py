"""The whole network: backbone, head and one logit per class."""

from __future__ import annotations

import keras

from components.trainer.backbones import BACKBONES
from components.trainer.initialization import initializer_for
from schemas.model import Model
from schemas.preprocessing import Preprocessing


def build_network(model: Model, preprocessing: Preprocessing, num_classes: int) -> keras.Model:
    """Builds the network that an experiment asks for.

    Args:
      model: the experiment's section.
      preprocessing: the experiment's section; it gives the shape of the input.
      num_classes: number of logits.

    Returns:
      From images, float32 [batch, height, width, channels], to logits, float32 [batch, num_classes].
    """
    shape = (preprocessing.height, preprocessing.width, preprocessing.channels)
    images = keras.Input(shape, name="image")
    x = BACKBONES[model.backbone](images, model)
    for units in model.dense:
        x = keras.layers.Dropout(model.dropout)(x)
        x = keras.layers.Dense(
            units, activation=model.activation, kernel_initializer=initializer_for(model.activation)
        )(x)
    if not model.dense:
        x = keras.layers.Dropout(model.dropout)(x)
    logits = keras.layers.Dense(num_classes, dtype="float32", name="logits")(x)
    return keras.Model(images, logits, name=model.backbone)
