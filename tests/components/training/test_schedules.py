from __future__ import annotations

import math
from typing import Any

import pytest
import tensorflow as tf

from components.training.schedules import rate_of_steps
from schemas.training import Schedule

STEPS = 10


def rates(*epochs: float, num_epochs: int = 20, **values: Any) -> list[float]:
    """The rate after some epochs of ten steps each, from 1."""
    rate = rate_of_steps(Schedule.model_validate(values), 1.0, STEPS, num_epochs)
    return [float(rate(tf.constant(round(epoch * STEPS), tf.int64))) for epoch in epochs]


def test_constant_stays() -> None:
    """By default the rate never changes."""
    assert rates(0, 3, 19) == [1.0, 1.0, 1.0]


def test_time_decay() -> None:
    """rate / (1 + decay * epochs)."""
    assert rates(0, 1, 10, kind="time", decay=0.5) == pytest.approx([1.0, 1 / 1.5, 1 / 6])


def test_step_decay_holds_and_drops() -> None:
    """The rate holds for `every` epochs, then is `factor` times as high, on the very step."""
    assert rates(0, 4.9, 5, 9.9, 10, 15, kind="step", factor=0.1, every=5) == pytest.approx(
        [1.0, 1.0, 0.1, 0.1, 0.01, 0.001]
    )


def test_exponential_decay_is_continuous() -> None:
    """The same, without steps."""
    assert rates(0, 2.5, 5, kind="exponential", factor=0.25, every=5) == pytest.approx([1.0, 0.5, 0.25])


def test_cosine_ends_where_it_is_told_to() -> None:
    """Half way down at half of the epochs, at `final` in the end and beyond."""
    assert rates(0, 10, 20, 30, kind="cosine", final=0.2) == pytest.approx([1.0, 0.6, 0.2, 0.2])


@pytest.mark.parametrize("kind", ["constant", "cosine"])
def test_warm_up_rises_along_a_line(kind: str) -> None:
    """The first step moves already; the full rate is reached when the warm-up ends, and the schedule starts there."""
    values = rates(0, 1, 2, 11, kind=kind, warm_up_epochs=2)
    assert values[0] == pytest.approx(1 / 20)
    assert values[1] == pytest.approx(11 / 20)
    assert values[2] == pytest.approx(1.0)
    assert values[3] == pytest.approx(1.0 if kind == "constant" else 0.5 * (1 + math.cos(math.pi / 2)))
