"""A learning-rate sweep: a few epochs at each rate show which is too high, and which is best."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from components.errors import TrainingError
from components.feeding.class_weights import class_weights
from components.training.request import TrainingRequest
from components.tuner.outcome import Outcome
from components.tuner.space import LEARNING_RATE
from components.tuner.table import Row, row_of
from components.tuner.trainings import Trainings
from schemas.training import Objectives, Schedule
from schemas.tuning import Sweep

PART = "sweep"
# A network whose loss is this near to that of guessing has learned nothing.
_GUESSING = 0.99
_PROGRESS = logging.getLogger("darkroom.progress")


@dataclass(frozen=True)
class Point:
    """One rate of the curve."""

    rate: float
    outcome: Outcome
    divergence: str | None
    """What shows that the rate is too high; None where nothing does."""

    @property
    def val_loss(self) -> float:
        """After the last epoch; infinite where there was none."""
        return self.outcome.history.get("val_loss", [math.inf])[-1]

    def to_json(self) -> dict[str, Any]:
        """`rate`, `is_diverging`, `reason`; `loss` and `val_loss` by epoch, null where they are no finite numbers."""
        history = self.outcome.history
        return {
            "rate": self.rate,
            "is_diverging": self.divergence is not None,
            "reason": self.divergence or self.outcome.reason,
            **{name: [_finite(value) for value in history.get(name, [])] for name in ("loss", "val_loss")},
        }


@dataclass(frozen=True)
class Swept:
    """What a sweep has found."""

    rate: float
    reason: str
    """Why this rate, in a sentence."""
    curve: list[Point]
    """By falling rate."""

    @property
    def rows(self) -> list[Row]:
        """A row for each rate."""
        return [row_of(PART, f"{point.rate:g}", {LEARNING_RATE: point.rate}, point.outcome) for point in self.curve]


def sweep(rules: Sweep, base: TrainingRequest, trainings: Trainings) -> Swept:
    """Trains from the same start at each rate, kept constant; chooses that whose loss on the eval split ends lowest.

    A rate diverges where its loss is no finite number, ends higher than after the first epoch, or ends where guessing
    the classes by their frequency would, while a lower rate ends below: one step too far has killed the network.

    Args:
      rules: the experiment's section.
      base: a short training.
      trainings: carry the trainings out.

    Raises:
      TrainingError: every rate diverges or fails.
    """
    rates = sorted(set(rules.rates), reverse=True)

    def tell(number: int, outcome: Outcome) -> None:
        figures = outcome.figures
        result = f"val_loss {figures['val_loss']:.4f}" if outcome.is_complete else f"failed: {outcome.reason}"
        _PROGRESS.info(f"learning rate {rates[number]:g} ({number + 1}/{len(rates)}): {result}")

    outcomes = trainings.run_all([_request(rules, base, rate) for rate in rates], tell)
    swept = judge(rates, outcomes, guessing_loss(base))
    _PROGRESS.info(f"learning rate {swept.rate:g}: {swept.reason}")
    return swept


def judge(rates: list[float], outcomes: list[Outcome], guessing: float) -> Swept:
    """Says which rates diverge, and chooses one.

    Args:
      rates: falling.
      outcomes: of each.
      guessing: training loss of guessing the classes by their frequency.

    Raises:
      TrainingError: every rate diverges or fails.
    """
    ends = [outcome.history["loss"][-1] if outcome.is_complete else math.inf for outcome in outcomes]
    learns = [end < _GUESSING * guessing for end in ends]
    curve = [
        Point(rate, outcome, _divergence(outcome, guessing, any(learns[number + 1 :])))
        for number, (rate, outcome) in enumerate(zip(rates, outcomes, strict=True))
    ]
    sound = [point for point in curve if point.outcome.is_complete and point.divergence is None]
    if not sound:
        raise TrainingError(
            f"no rate of tuning.sweep.rates can be used: {'; '.join(_told(point) for point in curve)}."
            " Add lower rates, and see that preprocessing.normalization is not 'none'"
        )
    best = min(sound, key=lambda point: (point.val_loss, point.rate))
    return Swept(best.rate, _reason(best, curve, any(learns)), curve)


def guessing_loss(request: TrainingRequest) -> float:
    """Training loss of a network that answers each class by its frequency: the entropy of the classes."""
    counts = np.array(request.class_counts or [1] * request.num_classes, np.float64)
    weights = class_weights(request.training, request.class_counts, request.labels).astype(np.float64)
    weighed = counts * weights
    shares = weighed[weighed > 0] / weighed.sum()
    return float(-(weighed[weighed > 0] * np.log(shares)).sum() / counts.sum())


def _request(rules: Sweep, base: TrainingRequest, rate: float) -> TrainingRequest:
    changes = {
        "learning_rate": rate,
        "epochs": rules.epochs,
        "schedule": Schedule(),
        "early_stopping": None,
        # The whole curve is wanted, however high it rises.
        "objectives": Objectives(divergence=None),
    }
    training = base.training.model_copy(update=changes)
    return base.model_copy(update={"training": training, "label": f"learning rate {rate:g}"})


def _divergence(outcome: Outcome, guessing: float, a_lower_one_learns: bool) -> str | None:
    if not outcome.is_complete:
        # Of all that goes wrong, only a loss that is no number would go wrong again and is the rate's fault.
        return outcome.reason if outcome.is_final else None
    first, last = outcome.history["loss"][0], outcome.history["loss"][-1]
    if last > first:
        return f"its loss rises from {first:.4g} to {last:.4g}"
    if last >= _GUESSING * guessing and a_lower_one_learns:
        return f"its loss ends at {last:.4g}, no better than guessing ({guessing:.4g}), which a lower rate avoids"
    return None


def _reason(best: Point, curve: list[Point], is_learning: bool) -> str:
    others = [point for point in curve if point is not best]
    compared = [
        f"{point.rate:g}: {point.val_loss:.4f}"
        for point in others
        if point.divergence is None and point.outcome.is_complete
    ]
    parts = [
        f"lowest val_loss after {best.outcome.num_epochs} epochs, {best.val_loss:.4f}"
        + (f" ({', '.join(compared)})" if compared else ", the only one that can be used")
    ]
    parts += [_told(point) for point in others if point.divergence or not point.outcome.is_complete]
    if not is_learning:
        parts.append("yet no rate does better than guessing the classes")
    return "; ".join(parts)


def _told(point: Point) -> str:
    if point.divergence:
        return f"{point.rate:g} diverges: {point.divergence}"
    return f"{point.rate:g} failed: {point.outcome.reason}"


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
