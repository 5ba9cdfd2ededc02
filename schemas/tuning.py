"""The section `tuning`: what is searched for before the training."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from schemas.section import Section

Count = Annotated[int, Field(ge=1)]
Value = bool | int | float | str


class Range(Section):
    """A range of numbers."""

    min: float
    """Smallest value."""
    max: float
    """Largest value."""
    scale: Literal["linear", "log"] = "linear"
    """How values are spread; log needs a min above 0."""
    steps: Annotated[int, Field(ge=2)] = 10
    """Values that grid search tries."""
    whole: bool = False
    """Whole numbers alone."""

    @model_validator(mode="after")
    def _has_room(self) -> Range:
        if self.min >= self.max:
            raise ValueError(f"min {self.min:g} is not below max {self.max:g}")
        if self.scale == "log" and self.min <= 0:
            raise ValueError(f"min {self.min:g} has no logarithm; give a min above 0, or scale: linear")
        return self


class Search(Section):
    """A search over hyperparameters by short trainings (KerasTuner's oracles)."""

    method: Literal["grid", "random", "hyperband", "bayesian"] = "random"
    """How the next trial is chosen. Hyperband: Li et al. 2018; bayesian: Gaussian process, upper confidence bound."""
    space: Annotated[dict[str, tuple[Value, ...] | Range], Field(min_length=1)] = {
        "training.learning_rate": Range(min=1e-4, max=1e-2, scale="log"),
        "model.dropout": (0.0, 0.25, 0.5),
        "training.batch_size": (32, 64, 128),
        "training.optimizer": ("adam", "sgd", "rmsprop"),
    }
    """What is tried: keys of `model`, `training` and `augmentation`, each with its values or its range."""
    trials: Count = 10
    """Most trials. Hyperband counts its own."""
    epochs: Count = 3
    """Epochs of each trial; hyperband's longest."""
    objective: Literal["val_accuracy", "val_loss", "val_f1"] = "val_accuracy"
    """What the best trial is best at."""


class Sweep(Section):
    """A learning-rate sweep: a few epochs at each rate."""

    rates: Annotated[tuple[Annotated[float, Field(gt=0)], ...], Field(min_length=2)] = (
        0.1,
        0.01,
        0.001,
        0.0001,
        0.00001,
    )
    """Rates that are tried."""
    epochs: Count = 2
    """Epochs at each rate."""


class CrossValidation(Section):
    """k-fold cross-validation over the training and eval splits together; for small sets."""

    folds: Annotated[int, Field(ge=2)] = 5
    """Parts, each held out once; classes in equal shares."""
    epochs: Count | None = None
    """Epochs of each training. Default: `training.epochs`."""


class Tuning(Section):
    """What is searched for before the training. The Tuner stage is there where any of it is asked for."""

    sweep: Sweep | None = None
    """Chooses the learning rate."""
    search: Search | None = None
    """Chooses hyperparameters; it starts from the sweep's rate, where there is one."""
    cross_validation: CrossValidation | None = None
    """Tells how far accuracy depends on the split; it chooses nothing."""
    parallel: Count = 1
    """Trainings at the same time, each in a process of its own."""
    steps_per_epoch: Count | None = None
    """Batches per epoch of each short training. Default: as `training.steps_per_epoch`."""

    @property
    def is_needed(self) -> bool:
        """Whether there is anything to search for."""
        return any(part is not None for part in (self.sweep, self.search, self.cross_validation))
