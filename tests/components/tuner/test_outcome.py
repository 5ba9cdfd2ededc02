from __future__ import annotations

import math

import pytest

from components.tuner.outcome import Outcome

HISTORY = {"loss": [2.0, 1.0, 0.5], "val_loss": [1.5, 1.0, 1.2]}


def test_the_figures_are_those_of_the_weights_that_were_kept() -> None:
    """Those of the best epoch; of a training that failed, the last that there are."""
    assert Outcome(HISTORY, best_epoch=2).figures == {"loss": 1.0, "val_loss": 1.0}
    assert Outcome(HISTORY, reason="why").figures == {"loss": 0.5, "val_loss": 1.2}
    assert Outcome(reason="why").figures == {}


def test_how_fast_the_loss_falls() -> None:
    """The mean change per epoch; nothing where there is no second epoch, or no finite loss."""
    assert Outcome(HISTORY).loss_change == pytest.approx(-0.75)
    for losses in ([], [2.0], [2.0, math.nan], [2.0, math.inf]):
        assert Outcome({"loss": losses}).loss_change is None


def test_a_reason_makes_a_failure() -> None:
    """A training without one came to its end."""
    assert Outcome(HISTORY).is_complete
    assert not Outcome(HISTORY, reason="why").is_complete
    assert (Outcome(HISTORY).num_epochs, Outcome().num_epochs) == (3, 0)
