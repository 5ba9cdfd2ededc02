"""The phases of a training: which layers learn, for how long, how fast."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import keras

from schemas.training import Training


class Phase(NamedTuple):
    """A part of a training with its own optimiser."""

    name: str
    """For people: `all`, `head`, `head and top 2 groups`."""
    num_epochs: int
    """At most."""
    num_groups: int | None
    """Groups of the base that learn, counted from the top; None where all of the network does."""
    rate: float
    """Learning rate that the schedule starts from."""


def plan(training: Training, num_groups: int) -> list[Phase]:
    """Sets out the phases.

    Args:
      training: the experiment's section.
      num_groups: of the base.
    """
    transfer = training.transfer
    if transfer is None:
        return [Phase("all", training.epochs, None, training.rate)]
    if transfer.kind == "similar":
        return [Phase("head", training.epochs, 0, training.rate)]
    head = Phase("head", min(transfer.head_epochs, training.epochs), 0, training.rate)
    rate = training.rate * transfer.rate_factor
    phases = [head]
    for number in range(1, num_groups + 1):
        is_last = number == num_groups
        name = "all" if is_last else f"head and top {number} group{'s' if number > 1 else ''}"
        left = training.epochs - sum(phase.num_epochs for phase in phases)
        num_epochs = max(left, transfer.group_epochs) if is_last else transfer.group_epochs
        phases.append(Phase(name, num_epochs, number, rate))
    return phases


def set_trainable(groups: Sequence[Sequence[keras.layers.Layer]], phase: Phase) -> None:
    """Freezes and unfreezes the base's layers; frozen batch normalisation runs in inference mode.

    Args:
      groups: layers of the base, stem first.
      phase: whose layers are to learn.
    """
    if phase.num_groups is None:
        return
    first_trainable = len(groups) - phase.num_groups
    for number, group in enumerate(groups):
        for layer in group:
            layer.trainable = number >= first_trainable
