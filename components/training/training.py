"""A whole training: warm-up, control, the training itself, and what is kept of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras

from components.errors import TrainingError
from components.networks.network import base_of, build_network
from components.networks.weights import save_native
from components.training.checkpoints import assign, values_of
from components.training.control import transfer_control
from components.training.diagnostics import Finding, diagnose
from components.training.fitting import Fitted, fit
from components.training.history import History
from components.training.initialization import WarmUp, warm_up
from components.training.optimizers import make_optimizer
from components.training.request import TrainingRequest


@dataclass
class TrainingResult:
    """What is told of a training."""

    history: History
    findings: list[Finding]
    summary: dict[str, Any]
    """`epochs`, `best_epoch`, `best` (the figures of that epoch), `stopped_by`, `initial_weights`,
    `resumed_from_epoch`, `seconds`, `transfer`, `initialization`."""

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> TrainingResult:
        """Reads what `to_json` gave."""
        findings = [Finding(**finding) for finding in content["findings"]]
        return cls(content["history"], findings, content["summary"])


def train(request: TrainingRequest) -> tuple[keras.Model, TrainingResult]:
    """Trains as requested, and saves the network in Keras's formats where that is asked for.

    Returns:
      The network, outside of any strategy and computing in float32, with its best weights; and what is told of it.

    Raises:
      TrainingError: weights cannot be had, the training goes wrong, or transfer is negative and that is to stop it.
    """
    directory = Path(request.checkpoint_directory) if request.checkpoint_directory else None
    warmed: WarmUp | None = None
    if request.training.initialization is not None:
        if directory is None:
            raise TrainingError("training.initialization needs a place for its candidates' checkpoints")
        warmed = warm_up(request, directory / "initialization")
    control = transfer_control(request, directory)
    fitted = fit(request, [control] if control else [], warmed.weights if warmed else None)
    plain = build_network(request.model, request.preprocessing, request.num_classes)
    plain.set_weights(fitted.network.get_weights())
    if request.native_directory and fitted.is_chief:
        _save(plain, fitted, request)
    summary = {
        **_summary(fitted),
        "transfer": control.to_json() if control else None,
        "initialization": {"candidates": warmed.candidates, "best": warmed.best} if warmed else None,
    }
    return plain, TrainingResult(fitted.history, diagnose(fitted.history), summary)


def _summary(fitted: Fitted) -> dict[str, Any]:
    history = fitted.history
    return {
        "epochs": len(history["loss"]),
        "best_epoch": fitted.best_epoch,
        "best": {name: values[fitted.best_epoch - 1] for name, values in history.items()},
        "stopped_by": fitted.stopped_by,
        "initial_weights": fitted.initial_weights,
        "resumed_from_epoch": fitted.resumed_from,
        "seconds": fitted.seconds,
    }


def _save(plain: keras.Model, fitted: Fitted, request: TrainingRequest) -> None:
    """Saves the network with its optimiser, compiled by Keras's own objects alone."""
    for layer, trained in zip(base_of(plain).layers, base_of(fitted.network).layers, strict=True):
        layer.trainable = trained.trainable
    optimizer = make_optimizer(request.training, float(fitted.optimizer.learning_rate.numpy()))
    optimizer.build(plain.trainable_variables)
    assign(optimizer.variables, values_of(fitted.optimizer.variables))
    plain.compile(
        optimizer=optimizer,
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
    )
    save_native(plain, str(request.native_directory))
