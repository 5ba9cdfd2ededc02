from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import pytest
from tfx import types
from tfx.types import standard_artifacts

from components.evaluator.baseline import LastBlessedOther
from tests.components.lineage import Lineage


def models(*ids: int) -> list[types.Artifact]:
    found = []
    for number in ids:
        model = standard_artifacts.Model()
        model.id = number
        found.append(model)
    return found


def blessings(blessed: Mapping[int, bool]) -> list[types.Artifact]:
    """A blessing or a refusal of each model."""
    found = []
    for number, (model_id, is_blessed) in enumerate(blessed.items(), start=1000):
        blessing = standard_artifacts.ModelBlessing()
        blessing.id = number
        blessing.set_int_custom_property("blessed", int(is_blessed))
        blessing.set_int_custom_property("current_model_id", model_id)
        found.append(blessing)
    return found


@pytest.fixture
def lineage(tmp_path: Path) -> Lineage:
    """In which nothing was pushed yet."""
    return Lineage(tmp_path)


class Resolve(Protocol):
    def __call__(self, candidate: int, known: tuple[int, ...], blessed: Mapping[int, bool]) -> tuple[int, int] | None:
        """The baseline's id and that of its blessing's model."""


@pytest.fixture
def resolve(lineage: Lineage) -> Resolve:
    def resolve(candidate: int, known: tuple[int, ...], blessed: Mapping[int, bool]) -> tuple[int, int] | None:
        inputs = {"candidate": models(candidate), "model": models(*known), "model_blessing": blessings(blessed)}
        resolved = LastBlessedOther(lineage.serving.location).resolve_artifacts(lineage.store, inputs)
        assert [artifact.id for artifact in resolved["candidate"]] == [candidate]
        if not resolved["model"]:
            assert resolved["model_blessing"] == []
            return None
        [model], [blessing] = resolved["model"], resolved["model_blessing"]
        return model.id, blessing.get_int_custom_property("current_model_id")

    return resolve


def test_a_first_model_has_no_baseline(resolve: Resolve) -> None:
    """Where nothing was blessed before there is nothing to compare with."""
    assert resolve(1, (1,), {}) is None
    assert resolve(5, (1, 3, 5), {1: False, 3: False}) is None


def test_the_model_blessed_last_is_the_baseline(resolve: Resolve) -> None:
    """Of several blessings the last counts, in whatever order the models were made or are listed; refusals do not."""
    assert resolve(9, (1, 3, 5, 9), {1: True, 3: True, 5: False}) == (3, 3)
    assert resolve(9, (9, 3, 1, 5), {3: True, 1: True}) == (1, 1)


def test_a_model_is_never_compared_with_itself(resolve: Resolve) -> None:
    """A candidate from the cache meets the last other that was blessed: with nothing new the same as at first."""
    assert resolve(3, (1, 3), {1: True, 3: True}) == (1, 1)
    assert resolve(1, (1,), {1: True}) is None
    assert resolve(3, (1, 3, 5), {1: True, 3: True, 5: True}) == (5, 5)


def test_a_blessed_model_that_is_gone_does_not_count(resolve: Resolve) -> None:
    """A blessing without its model is passed over."""
    assert resolve(9, (1, 9), {1: True, 3: True}) == (1, 1)


def test_a_model_that_was_rolled_back_is_no_baseline(lineage: Lineage) -> None:
    """A candidate is compared with the one that is served instead; with the other again once it is live again."""
    first, second = (lineage.model_of(lineage.examples()) for _ in range(2))
    lineage.push(first)
    version = lineage.push(second)
    candidate = lineage.model_of(lineage.examples())
    inputs = {"candidate": [candidate], "model": lineage.models, "model_blessing": lineage.blessings}
    strategy = LastBlessedOther(lineage.serving.location)
    assert strategy.resolve_artifacts(lineage.store, inputs)["model"] == [second]
    lineage.roll_back()
    resolved = strategy.resolve_artifacts(lineage.store, inputs)
    assert (resolved["model"], resolved["model_blessing"]) == ([first], [lineage.blessings[0]])
    lineage.roll_back(to=version)
    assert strategy.resolve_artifacts(lineage.store, inputs)["model"] == [second]
