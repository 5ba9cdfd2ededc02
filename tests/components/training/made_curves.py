"""Curves as trainings draw them, made up."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from components.training.history import History

Curve: TypeAlias = NDArray[np.float64]
Values: TypeAlias = Curve | list[float]


def history(*curves: Values) -> History:
    """Curves of loss, accuracy, val_loss and val_accuracy; the last two may be left out."""
    names = ("loss", "accuracy", "val_loss", "val_accuracy")
    return {name: [float(value) for value in curve] for name, curve in zip(names, curves, strict=False)}


def falling(num_epochs: int, first: float = 2.3, last: float = 0.3, speed: float = 0.3) -> Curve:
    """A loss as of a training that goes well."""
    return last + (first - last) * np.exp(-speed * np.arange(num_epochs))


def accuracy_of(loss: Curve, highest: float = 1.0) -> Curve:
    """An accuracy that goes with a loss."""
    return np.clip(highest * np.exp(-loss / 2), 0, 1)


def noise(num_epochs: int, seed: int, size: float) -> Curve:
    """Factors around 1."""
    return 1 + size * np.random.default_rng(seed).standard_normal(num_epochs)
