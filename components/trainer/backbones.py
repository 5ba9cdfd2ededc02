"""The table of backbones: what turns images into features."""

from __future__ import annotations

from collections.abc import Callable

import keras

from components.trainer.small_cnn import small_cnn
from schemas.model import Model

Backbone = Callable[[keras.KerasTensor, Model], keras.KerasTensor]

BACKBONES: dict[str, Backbone] = {
    "small_cnn": small_cnn,
}
