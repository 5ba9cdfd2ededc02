"""The curves of a training, and their trends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from components.training.history import History

_SHORTEST_WINDOW = 3
_SHARE_OF_A_WINDOW = 0.3

Curve = NDArray[np.float64]


@dataclass(frozen=True)
class Curves:
    """Figures by epoch, float64 [epochs] each."""

    loss: Curve
    accuracy: Curve
    val_loss: Curve
    val_accuracy: Curve

    @classmethod
    def of(cls, history: History, num_epochs: int, validated: bool = True) -> Curves | None:
        """The curves, where they are long enough to tell.

        Args:
          history: a value per epoch for each figure.
          num_epochs: fewest that are needed.
          validated: whether those of the eval split are needed.

        Returns:
          None where a curve is missing or too short, or holds anything but finite numbers. Curves that are not
          needed are empty then.
        """
        names = ("loss", "accuracy", "val_loss", "val_accuracy")
        curves = [np.asarray(history.get(name, ()), np.float64) for name in names]
        needed = curves if validated else curves[:2]
        length = len(curves[0])
        if length < num_epochs or any(len(curve) != length or not np.isfinite(curve).all() for curve in needed):
            return None
        return cls(*needed, *([np.empty(0)] * (len(curves) - len(needed))))

    @property
    def num_epochs(self) -> int:
        """How many epochs there are."""
        return len(self.loss)

    @property
    def window(self) -> slice:
        """The last epochs, three at least and else three tenths of all: what a trend is fitted over."""
        return slice(-max(_SHORTEST_WINDOW, round(_SHARE_OF_A_WINDOW * self.num_epochs)), None)


def change(curve: Curve) -> float:
    """How far a straight line through the curve (least squares) rises from its first to its last epoch."""
    if len(curve) < 2:
        return 0.0
    epochs = np.arange(len(curve), dtype=np.float64)
    return float(np.polyfit(epochs, curve, 1)[0] * (len(curve) - 1))


def relative_change(curve: Curve) -> float:
    """The same as a share of the curve's mean."""
    level = float(np.mean(np.abs(curve)))
    return change(curve) / level if level > 0 else 0.0
