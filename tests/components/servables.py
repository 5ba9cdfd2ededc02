"""Exported models whose answers are known without training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow_transform as tft

from components.trainer.export import Servable, export


def export_pixels(directory: Path, transform: tft.TFTransformOutput, shape: tuple[int, int, int]) -> Path:
    """A model whose logits are the transformed pixels themselves, a class for each."""
    images = keras.Input(shape)
    network = keras.Model(images, keras.layers.Flatten()(images))
    labels = [f"pixel {index}" for index in range(int(np.prod(shape)))]
    export(Servable(network, transform, labels), str(directory), labels, "{}")
    return directory


def export_constant(
    directory: Path,
    transform: tft.TFTransformOutput,
    shape: tuple[int, int, int],
    probabilities: dict[str, float],
    experiment_json: str = "{}",
) -> Path:
    """A model that gives the same probabilities for every image."""
    images = keras.Input(shape)
    dense = keras.layers.Dense(len(probabilities), kernel_initializer="zeros")
    network = keras.Model(images, dense(keras.layers.Flatten()(images)))
    dense.bias.assign(np.log(list(probabilities.values())))
    labels: Sequence[str] = list(probabilities)
    export(Servable(network, transform, labels), str(directory), labels, experiment_json)
    return directory
