"""Trainings that take no time, for tests of what is asked of them and of what follows."""

from __future__ import annotations

from collections.abc import Callable

from components.training.request import TrainingRequest
from components.tuner.outcome import Outcome
from components.tuner.workers import Workers


class InstantWorkers(Workers):
    """Answers by a function of the request, the first one started first, and keeps all requests."""

    def __init__(self, num_processes: int, answer: Callable[[TrainingRequest], Outcome]) -> None:
        super().__init__(num_processes)
        self._answer = answer
        self._waiting: list[tuple[str, TrainingRequest]] = []
        self.requests: dict[str, TrainingRequest] = {}

    def start(self, key: str, request: TrainingRequest) -> None:
        """Notes the request."""
        assert len(self._waiting) < self.num_processes
        self._waiting.append((key, request))
        self.requests[key] = request

    def wait(self) -> tuple[str, Outcome]:
        """Answers the oldest one."""
        key, request = self._waiting.pop(0)
        return key, self._answer(request)


def learned(request: TrainingRequest) -> Outcome:
    """Figures of a training that is the better the more epochs it has and the nearer its rate is to 0.01."""
    epochs = range(1, request.training.epochs + 1)
    losses = [abs(request.training.rate - 0.01) + 1 / epoch for epoch in epochs]
    history = dict.fromkeys(("loss", "val_loss"), losses)
    for name in ("val_accuracy", "val_precision", "val_recall", "val_f1"):
        history[name] = [1 / (1 + loss) for loss in losses]
    return Outcome(history, 0.1, best_epoch=epochs[-1])


def failed(request: TrainingRequest) -> Outcome:
    """A training that went wrong by its own fault."""
    return Outcome(reason=f"too high: {request.training.rate:g}")


def killed(request: TrainingRequest) -> Outcome:
    """A training whose process was killed."""
    return Outcome(reason="killed", is_final=False)
