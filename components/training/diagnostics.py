"""The table of signs in a training's curves, and what they say together."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from components.training.finding import KINDS, Finding
from components.training.history import History
from components.training.signs import (
    big_drop,
    bouncing,
    diverging,
    not_a_number,
    overfitting,
    parallel,
    plateau,
    slow_start,
    underfitting,
)

__all__ = ["SIGNS", "Finding", "Sign", "diagnose"]


class Sign(NamedTuple):
    """A row of the table of signs."""

    speaks: Callable[[History], Finding | None]
    silences: tuple[str, ...] = ()
    """Later signs that would contradict this one, or say the same less well."""


_ALL_THAT_IS_OF_LEARNING = (
    "slow_start",
    "bouncing",
    "overfitting",
    "underfitting",
    "plateau",
    "parallel",
    "big_drop",
)
SIGNS: dict[str, Sign] = {
    "not_a_number": Sign(not_a_number, ("diverging", *_ALL_THAT_IS_OF_LEARNING)),
    "diverging": Sign(diverging, _ALL_THAT_IS_OF_LEARNING),
    "slow_start": Sign(slow_start, ("plateau", "big_drop")),
    "bouncing": Sign(bouncing, ("underfitting", "plateau", "parallel", "big_drop")),
    "overfitting": Sign(overfitting, ("underfitting", "plateau", "parallel")),
    "underfitting": Sign(underfitting, ("plateau", "parallel")),
    "plateau": Sign(plateau, ("parallel",)),
    "parallel": Sign(parallel),
    "big_drop": Sign(big_drop),
}


def diagnose(history: History) -> list[Finding]:
    """Asks every sign, and keeps those that do not contradict an earlier one.

    Args:
      history: a value per epoch for each figure; `loss` and `accuracy`, and where there was validation `val_loss` and
        `val_accuracy`. Others are passed over, but for `learning_rate`.

    Returns:
      Problems, then warnings, then good signs, each kind in the order of the table.
    """
    found: list[Finding] = []
    silenced: set[str] = set()
    for name, sign in SIGNS.items():
        if name not in silenced and (finding := sign.speaks(history)):
            found.append(finding)
            silenced.update(sign.silences)
    return sorted(found, key=lambda finding: KINDS.index(finding.kind))
