"""The table of backbones: what turns images into features."""

from __future__ import annotations

from collections.abc import Callable

import keras

from components.networks.applications import application
from components.networks.small_cnn import small_cnn
from components.networks.small_resnet import small_resnet
from schemas.model import Model

BASE = "base"

# Each takes images, float32 [batch, height, width, channels], and gives features, [batch, height', width', filters].
OWN: dict[str, Callable[[keras.KerasTensor, Model], keras.KerasTensor]] = {
    "small_cnn": small_cnn,
    "small_resnet": small_resnet,
}


def build_base(model: Model, shape: tuple[int, int, int]) -> keras.Model:
    """Builds the base of a network, called `base`.

    Args:
      model: the experiment's section.
      shape: height, width and channels of the images.

    Returns:
      From images, float32 [batch, height, width, channels], to features, [batch, height', width', filters].
      A base from keras.applications has three channels whatever the images have.

    Raises:
      TrainingError: the images are too small for it.
    """
    if model.backbone in OWN:
        images = keras.Input(shape, name="images")
        features = OWN[model.backbone](images, model)
    else:
        network = application(model.backbone, height=shape[0], width=shape[1])
        images, features = network.input, network.output
    return keras.Model(images, features, name=BASE)
