"""What became of one short training."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from components.training.history import History

Figures = dict[str, float]


@dataclass(frozen=True)
class Outcome:
    """Its figures, or why it failed."""

    history: History = field(default_factory=dict)
    """Epoch by epoch; of a training that failed, as far as it came."""
    seconds: float = 0.0
    best_epoch: int | None = None
    """Counted from 1: the epoch whose weights the training kept."""
    reason: str | None = None
    """Why it failed; None where it did not."""
    is_final: bool = True
    """Whether the same training would end the same way again: not where its process was killed."""

    @property
    def is_complete(self) -> bool:
        """Whether the training came to its end."""
        return self.reason is None

    @property
    def num_epochs(self) -> int:
        """Epochs that it had."""
        return len(self.history.get("loss", ()))

    @property
    def figures(self) -> Figures:
        """The figures of the best epoch, or else of the last; empty where there was none."""
        epoch = self.best_epoch or self.num_epochs
        return {name: values[epoch - 1] for name, values in self.history.items()} if epoch else {}

    @property
    def loss_change(self) -> float | None:
        """How much the training loss rises per epoch, on average; None of a single epoch, or where it is not finite."""
        losses = self.history.get("loss", [])
        if len(losses) < 2:
            return None
        change = (losses[-1] - losses[0]) / (len(losses) - 1)
        return change if math.isfinite(change) else None
