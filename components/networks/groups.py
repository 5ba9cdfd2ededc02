"""Groups of a base's layers, from the stem to the top: what transfer unfreezes one after the other."""

from __future__ import annotations

import math

import keras


def groups_of(base: keras.Model) -> list[list[keras.layers.Layer]]:
    """Groups the layers that have weights by the size of the map that they work on.

    A group is what lies between two halvings of height and width: in every family of networks its stages. A layer's
    size counts as round(log2(input size / output size)), so that the borders which unpadded convolutions give up do
    not part a stage.

    Args:
      base: from images to features, both maps of known size.

    Returns:
      At least one group where there are weights; the stem first, the top last, in each the order of the base's layers,
      which is topological. Each layer with weights is in one.
    """
    size = max(base.input_shape[1:3])
    groups: dict[float, list[keras.layers.Layer]] = {}
    level = math.inf
    for layer in reversed(base.layers):
        # Squeeze-and-excitation works on a map of one pixel amid a stage: what comes later has the stage's size.
        level = min(level, _level(layer, size))
        if layer.weights:
            groups.setdefault(level, []).append(layer)
    return [group[::-1] for group in groups.values()][::-1]


def _level(layer: keras.layers.Layer, size: int) -> float:
    shape = layer.output.shape
    return round(math.log2(size / max(shape[1:3]))) if len(shape) == 4 else math.inf
