from __future__ import annotations

import numpy as np
import pytest

from components.training.curves import Curves, change, relative_change

TOLD = {"loss": [3.0, 2.0, 1.0], "accuracy": [0.1, 0.2, 0.3], "val_loss": [3.5, 2.5, 1.5], "val_accuracy": [0, 0, 0.5]}


def test_curves_of_a_history() -> None:
    """Each curve is an array of its values, whatever else the history holds."""
    curves = Curves.of({**TOLD, "seconds": [1.0]}, 3)
    assert curves is not None
    assert curves.num_epochs == 3
    assert curves.val_loss.tolist() == [3.5, 2.5, 1.5]
    assert curves.val_accuracy.dtype == np.float64


@pytest.mark.parametrize(
    ("changes", "with_validation", "without"),
    [
        ({}, True, True),
        ({"val_loss": []}, False, True),
        ({"val_loss": [1.0, 2.0]}, False, True),
        ({"val_accuracy": [float("nan")] * 3}, False, True),
        ({"accuracy": [0.1, 0.2]}, False, False),
        ({"loss": [1.0, float("inf"), 1.0]}, False, False),
    ],
)
def test_curves_that_cannot_tell(changes: dict[str, list[float]], with_validation: bool, without: bool) -> None:
    """A curve that is needed must be whole and finite; one that is not may be anything, and is empty then."""
    told = {**TOLD, **changes}
    assert (Curves.of(told, 3) is not None) == with_validation
    curves = Curves.of(told, 3, validated=False)
    assert (curves is not None) == without
    assert curves is None or curves.val_loss.size == 0
    assert Curves.of(told, 4, validated=False) is None
    assert Curves.of({}, 1, validated=False) is None


@pytest.mark.parametrize(("num_epochs", "expected"), [(3, 3), (10, 3), (12, 4), (20, 6), (100, 30)])
def test_the_window_grows_with_the_history(num_epochs: int, expected: int) -> None:
    """A trend is fitted over three epochs, or three tenths of all."""
    curves = Curves.of({"loss": [1.0] * num_epochs, "accuracy": [0.5] * num_epochs}, 3, validated=False)
    assert curves is not None
    assert len(curves.loss[curves.window]) == expected


def test_change_is_that_of_a_fitted_line() -> None:
    """A straight curve changes from its first to its last value; one odd value counts less than by the ends alone."""
    assert change(np.array([3.0, 2.5, 2.0])) == pytest.approx(-1)
    assert relative_change(np.array([3.0, 2.5, 2.0])) == pytest.approx(-0.4)
    assert -1.9 < change(np.array([3.0, 2.5, 2.0, 1.5, 2.0])) < -1
    assert change(np.array([3.0])) == 0
    assert relative_change(np.zeros(3)) == 0
