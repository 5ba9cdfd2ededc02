"""What a search tries, as KerasTuner has it. `schemas/hyperparameters.py` lays a trial's values on the sections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras_tuner
import numpy as np

from schemas.hyperparameters import plain_values
from schemas.tuning import Range, Search, Value

LEARNING_RATE = "training.learning_rate"

Space = Mapping[str, tuple[Value, ...] | Range]


def searched_space(search: Search, rate_is_chosen: bool) -> dict[str, tuple[Value, ...] | Range]:
    """The space that an experiment asks for.

    Args:
      search: the experiment's section.
      rate_is_chosen: whether a sweep has chosen the learning rate; it is then searched only where the experiment itself
        lists it.
    """
    space = dict(search.space)
    if rate_is_chosen and search.space == Search().space:
        del space[LEARNING_RATE]
    return space


def hyperparameters_of(space: Space, is_grid: bool) -> Any:
    """A `keras_tuner.HyperParameters` of a space, without values.

    Args:
      space: by dotted name.
      is_grid: whether a range stands for as many values as it has steps, evenly spread, both ends among them.
    """
    found = keras_tuner.HyperParameters()
    for name, tried in space.items():
        if isinstance(tried, Range) and not is_grid:
            _add_range(found, name, tried)
        else:
            _add_choice(found, name, grid_values(tried) if isinstance(tried, Range) else tried)
    # Declaring one also gives it a value.
    found.values = {}
    return found


def grid_values(tried: Range) -> list[Value]:
    """The values of a range that a grid has, in rising order."""
    spread = np.geomspace if tried.scale == "log" else np.linspace
    values = [float(value) for value in spread(tried.min, tried.max, tried.steps)]
    return list(dict.fromkeys(round(value) for value in values)) if tried.whole else list(values)


def values_of(trial: Any) -> dict[str, Value]:
    """The values of a trial by dotted name, without what KerasTuner keeps for itself.

    Args:
      trial: a `keras_tuner.engine.trial.Trial`, or anything else with `hyperparameters`.
    """
    values = plain_values(trial.hyperparameters.values)
    limits = {each.name: each for each in trial.hyperparameters.space if hasattr(each, "max_value")}
    # KerasTuner's whole numbers on a log scale can come out one too large.
    return {name: min(value, limits[name].max_value) if name in limits else value for name, value in values.items()}


def with_fixed(hyperparameters: Any, values: Mapping[str, Value]) -> Any:
    """A copy of `keras_tuner.HyperParameters` that also has values which were not searched for, and no oracle's own."""
    copy = hyperparameters.copy()
    copy.values = plain_values(copy.values)
    for name, value in values.items():
        copy.Fixed(name, value)
    return copy


def _add_range(found: Any, name: str, tried: Range) -> None:
    if tried.whole:
        found.Int(name, int(tried.min), int(tried.max), sampling=tried.scale)
    else:
        found.Float(name, tried.min, tried.max, sampling=tried.scale)


def _add_choice(found: Any, name: str, values: Sequence[Value]) -> None:
    distinct = list(dict.fromkeys(values))
    if isinstance(distinct[0], bool):
        # KerasTuner's choice would make numbers of them.
        found.Boolean(name) if len(distinct) > 1 else found.Fixed(name, distinct[0])
    elif any(isinstance(value, float) for value in distinct):
        # It also wants one type, where an experiment may list 0 beside 0.5.
        found.Choice(name, [float(value) for value in distinct])
    else:
        found.Choice(name, distinct)
