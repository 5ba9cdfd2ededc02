"""What a run's record keeps of its training."""

from __future__ import annotations

import json
import os
from typing import Any

from tfx import types
from tfx.dsl.io import fileio

from components.trainer.run import DIAGNOSTICS_NAME, HISTORY_NAME, SUMMARY_NAME


def describe_training(model_run: types.Artifact) -> dict[str, Any]:
    """How the training went, as the Trainer tells it: epochs, the best of them, why it ended, and others.

    Args:
      model_run: output of the Trainer.

    Returns:
      Empty where the Trainer has left nothing.
    """
    return _read(model_run, SUMMARY_NAME, {})


def history_of(model_run: types.Artifact) -> dict[str, list[float]]:
    """The training's figures, epoch by epoch.

    Args:
      model_run: output of the Trainer.

    Returns:
      Empty where the Trainer has left nothing.
    """
    return _read(model_run, HISTORY_NAME, {})


def findings(model_run: types.Artifact) -> list[dict[str, Any]]:
    """The signs in the training's curves, problems first.

    Args:
      model_run: output of the Trainer.

    Returns:
      Each as `components.training.diagnostics.Finding` writes it; none where the Trainer has left nothing.
    """
    return _read(model_run, DIAGNOSTICS_NAME, [])


def negative_transfer(training: dict[str, Any]) -> str | None:
    """What to tell a person where the weights given have learned worse than random ones; None where they have not.

    Args:
      training: what `describe_training` gave.
    """
    transfer = training.get("transfer")
    if not transfer or not transfer["is_negative"]:
        return None
    ours, control = (" ".join(f"{loss:.3f}" for loss in transfer[name]) for name in ("val_loss", "control_val_loss"))
    return (
        f"negative transfer: over the first {len(transfer['val_loss'])} epochs val_loss is {ours} from the weights"
        f" given, and {control} from random ones; give other weights in model.weights, or train from random ones"
    )


def _read(model_run: types.Artifact, name: str, without: Any) -> Any:
    path = os.path.join(model_run.uri, name)
    if not fileio.exists(path):
        return without
    with fileio.open(path) as file:
        return json.loads(file.read())
