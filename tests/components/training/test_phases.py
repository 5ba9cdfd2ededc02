from __future__ import annotations

from typing import Any

import keras

from components.training.phases import Phase, plan, set_trainable
from schemas.training import Training


def phases(num_groups: int = 4, **values: Any) -> list[Phase]:
    return plan(Training.model_validate({"learning_rate": 0.1, **values}), num_groups)


def test_without_transfer_all_learns_at_once() -> None:
    """One phase, every layer, the whole rate."""
    assert phases(epochs=7) == [("all", 7, None, 0.1)]


def test_similar_trains_the_head_alone() -> None:
    """One phase, in which no group of the base learns."""
    assert phases(epochs=7, transfer={"kind": "similar"}) == [("head", 7, 0, 0.1)]


def test_distinct_goes_from_the_top_down_to_the_stem() -> None:
    """First the head, then a group more in each phase at a lower rate; the last phase has the epochs that are left."""
    transfer = {"kind": "distinct", "head_epochs": 3, "group_epochs": 2, "rate_factor": 0.5}
    assert phases(epochs=20, transfer=transfer) == [
        ("head", 3, 0, 0.1),
        ("head and top 1 group", 2, 1, 0.05),
        ("head and top 2 groups", 2, 2, 0.05),
        ("head and top 3 groups", 2, 3, 0.05),
        ("all", 11, 4, 0.05),
    ]


def test_every_group_has_its_turn_in_few_epochs() -> None:
    """Where the epochs are too few the stem is unfrozen all the same, for as long as the others."""
    found = phases(epochs=4, num_groups=2, transfer={"kind": "distinct", "head_epochs": 5, "group_epochs": 2})
    assert [phase.num_epochs for phase in found] == [4, 2, 2]


def test_the_layers_of_a_phase_learn_and_no_others() -> None:
    """Groups are unfrozen from the top; a phase of the head freezes all."""
    groups = [[keras.layers.Dense(1)], [keras.layers.Dense(1), keras.layers.Dense(1)], [keras.layers.Dense(1)]]
    training = Training.model_validate({"transfer": {"kind": "distinct"}})
    seen = []
    for phase in plan(training, len(groups)):
        set_trainable(groups, phase)
        seen.append([[layer.trainable for layer in group] for group in groups])
    assert seen == [
        [[False], [False, False], [False]],
        [[False], [False, False], [True]],
        [[False], [True, True], [True]],
        [[True], [True, True], [True]],
    ]
