from __future__ import annotations

from types import SimpleNamespace

import pytest

from components.tuner.space import LEARNING_RATE, grid_values, hyperparameters_of, searched_space, values_of, with_fixed
from schemas.hyperparameters import Sections, apply
from schemas.tuning import Range, Search, Value

SPACE: dict[str, tuple[Value, ...] | Range] = {
    "training.learning_rate": Range(min=1e-4, max=1e-2, scale="log"),
    "training.batch_size": Range(min=16, max=64, scale="log", whole=True),
    "model.depth": Range(min=1, max=3, whole=True),
    "augmentation.zoom": Range(min=0, max=0.5),
    "model.dropout": (0, 0.25, 0.5),
    "model.batch_normalization": (True, False),
    "training.nesterov": (True,),
    "training.optimizer": ("adam", "sgd"),
}


def test_every_value_that_is_drawn_can_be_laid_on_the_sections() -> None:
    """KerasTuner's values have the types that the experiment's keys want, and lie in their ranges."""
    drawn: dict[str, set[Value]] = {name: set() for name in SPACE}
    for seed in range(200):
        hyperparameters = hyperparameters_of(SPACE, is_grid=False)
        hyperparameters.values = {each.name: each.random_sample(seed) for each in hyperparameters.space}
        values = values_of(SimpleNamespace(hyperparameters=hyperparameters))
        apply(Sections(), values)
        for name, value in values.items():
            drawn[name].add(value)
    assert drawn["model.dropout"] == {0.0, 0.25, 0.5}
    assert drawn["model.batch_normalization"] == {True, False}
    assert drawn["training.nesterov"] == {True}
    assert drawn["training.optimizer"] == {"adam", "sgd"}
    assert drawn["model.depth"] == {1, 2, 3}
    assert all(isinstance(value, int) and 16 <= value <= 64 for value in drawn["training.batch_size"])
    rates = sorted(float(rate) for rate in drawn["training.learning_rate"])
    assert 1e-4 <= rates[0] < rates[-1] <= 1e-2
    # As many below the middle of the log scale as above.
    assert 70 < sum(rate < 1e-3 for rate in rates) < 130


def test_a_whole_number_never_leaves_its_range() -> None:
    """KerasTuner's largest guess on a log scale is one too large; the trial has the largest value instead."""
    hyperparameters = hyperparameters_of({"training.batch_size": SPACE["training.batch_size"]}, is_grid=False)
    [each] = hyperparameters.space
    hyperparameters.values = {each.name: each.prob_to_value(1.0), "tuner/epochs": 3}
    assert each.prob_to_value(1.0) == 65
    assert values_of(SimpleNamespace(hyperparameters=hyperparameters)) == {"training.batch_size": 64}


@pytest.mark.parametrize(
    ("tried", "values"),
    [
        (Range(min=1e-4, max=1e-2, scale="log", steps=3), [1e-4, 1e-3, 1e-2]),
        (Range(min=0, max=0.6, steps=4), [0.0, 0.2, 0.4, 0.6]),
        (Range(min=8, max=64, scale="log", whole=True, steps=4), [8, 16, 32, 64]),
        (Range(min=1, max=3, whole=True, steps=10), [1, 2, 3]),
    ],
)
def test_a_grid_has_both_ends_and_even_steps(tried: Range, values: list[float]) -> None:
    """As many values as the range has steps, none twice."""
    assert grid_values(tried) == pytest.approx(values)
    [each] = hyperparameters_of({"model.x": tried}, is_grid=True).space
    assert list(each.values) == grid_values(tried)


def test_a_sweep_takes_the_rate_out_of_the_default_space_alone() -> None:
    """What the sweep has chosen is searched again only where the experiment lists it itself."""
    default = searched_space(Search(), rate_is_chosen=False)
    assert LEARNING_RATE in default
    assert searched_space(Search(), rate_is_chosen=True) == {k: v for k, v in default.items() if k != LEARNING_RATE}
    own = Search(space={LEARNING_RATE: (0.1, 0.01)})
    assert searched_space(own, rate_is_chosen=True) == own.space


def test_what_was_not_searched_is_fixed() -> None:
    """It travels with the space, in KerasTuner's own form, without Hyperband's entries; the original stays."""
    searched = hyperparameters_of({"model.dropout": (0.0, 0.5)}, is_grid=False)
    searched.values = {"model.dropout": 0.5, "tuner/epochs": 3}
    both = with_fixed(searched, {LEARNING_RATE: 0.01})
    assert both.values == {"model.dropout": 0.5, LEARNING_RATE: 0.01}
    assert type(both).from_config(both.get_config()).values == both.values
    assert searched.values == {"model.dropout": 0.5, "tuner/epochs": 3}
