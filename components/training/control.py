"""Negative transfer: whether given weights learn worse than random ones would."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np

from components.errors import TrainingError
from components.training.callbacks import Callback, Figures, Stop
from components.training.fitting import fit
from components.training.request import TrainingRequest
from schemas.training import Checkpoints, NegativeTransfer

_LOGGER = logging.getLogger(__name__)


class TransferControl(Callback):
    """Compares the first epochs with a control's.

    Transfer is negative where, over the epochs compared, the eval split's mean loss and its last one are both higher
    than those of the training from random weights.
    """

    def __init__(self, rules: NegativeTransfer, control: list[float]) -> None:
        """Has seen no epoch yet.

        Args:
          rules: the experiment's section.
          control: the eval split's loss for each epoch from random weights.
        """
        self._rules = rules
        self._control = control
        self._losses: list[float] = []

    def end_epoch(self, epoch: int, figures: Figures) -> Stop | None:
        """Raises TrainingError after the last epoch compared, where transfer is negative and that is to stop it."""
        if len(self._losses) < len(self._control):
            self._losses.append(figures["val_loss"])
            if len(self._losses) == len(self._control) and self.is_negative:
                _LOGGER.warning("%s", self.describe())
                if self._rules.action == "stop":
                    raise TrainingError(
                        f"{self.describe()}; training.transfer.control.action: warn goes on all the same"
                    )
        return None

    @property
    def is_negative(self) -> bool:
        """Whether the weights given are worse than none."""
        ours, control = self._losses, self._control[: len(self._losses)]
        return bool(ours) and float(np.mean(ours)) > float(np.mean(control)) and ours[-1] > control[-1]

    def describe(self) -> str:
        """Both curves in a sentence."""
        ours, control = (" ".join(f"{loss:.3f}" for loss in losses) for losses in (self._losses, self._control))
        return (
            f"the weights given learn worse than random ones: val_loss {ours} against {control}"
            f" over the first {len(self._losses)} epochs; give other weights in model.weights,"
            " or train from random ones"
        )

    def to_json(self) -> dict[str, Any]:
        """For the run's record."""
        return {"val_loss": self._losses, "control_val_loss": self._control, "is_negative": self.is_negative}

    def state(self) -> dict[str, Any]:
        """The losses seen so far."""
        return {"losses": self._losses}

    def restore(self, arrays: object, state: dict[str, Any]) -> None:
        """Takes them back."""
        self._losses = state["losses"]


def transfer_control(request: TrainingRequest, directory: Path | None) -> TransferControl | None:
    """Trains the control, where one is asked for.

    Args:
      request: of the transfer.
      directory: where the control's checkpoints are kept.
    """
    transfer = request.training.transfer
    rules = transfer.control if transfer else None
    if rules is None:
        return None
    changes = {
        "epochs": rules.epochs,
        "transfer": None,
        "early_stopping": None,
        "checkpoints": Checkpoints(keep=1),
    }
    control = request.model_copy(
        update={
            "training": request.training.model_copy(update=changes),
            "model": request.model.model_copy(update={"weights": "random"}),
            "initial_base": None,
            "initial_network": None,
            "checkpoint_directory": str(directory / "control") if directory else None,
            "log_directory": None,
            "label": "control from random weights",
        }
    )
    return TransferControl(rules, fit(control).history["val_loss"])
