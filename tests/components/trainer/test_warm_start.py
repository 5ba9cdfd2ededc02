from __future__ import annotations

from pathlib import Path

import pytest
from tfx import types

from components.trainer.warm_start import LastBlessedOfOtherData
from tests.components.lineage import Lineage


@pytest.fixture
def lineage(tmp_path: Path) -> Lineage:
    return Lineage(tmp_path)


def start_for(lineage: Lineage, examples: types.Artifact) -> list[types.Artifact]:
    """The model that a training on these examples goes on from, in a list; or an empty one."""
    inputs = {"model": lineage.models, "model_blessing": lineage.blessings, "examples": [examples]}
    strategy = LastBlessedOfOtherData(lineage.serving.location)
    return strategy.resolve_artifacts(lineage.store, inputs)["model"]


def test_a_first_training_has_no_start(lineage: Lineage) -> None:
    """Where nothing was blessed there is no model to go on from, and a refused one is none."""
    examples = lineage.examples()
    assert start_for(lineage, examples) == []
    lineage.model_of(examples, is_blessed=False)
    assert start_for(lineage, lineage.examples()) == []


def test_new_data_goes_on_from_the_model_blessed_last(lineage: Lineage) -> None:
    """Of several, the newest that was blessed."""
    lineage.model_of(lineage.examples())
    second = lineage.model_of(lineage.examples())
    lineage.model_of(lineage.examples(), is_blessed=False)
    assert start_for(lineage, lineage.examples()) == [second]


def test_the_same_data_has_the_same_start_as_before(lineage: Lineage) -> None:
    """A model that learned from the data at hand is passed over, so that nothing new trains nothing."""
    first = lineage.model_of(lineage.examples())
    newer = lineage.examples()
    assert start_for(lineage, newer) == [first]
    lineage.model_of(newer)
    assert start_for(lineage, newer) == [first]


def test_a_model_that_was_rolled_back_is_no_start(lineage: Lineage) -> None:
    """New data goes on from the one that is served instead; from the other again once it is live again."""
    first, second = (lineage.model_of(lineage.examples()) for _ in range(2))
    lineage.push(first)
    version = lineage.push(second)
    lineage.roll_back()
    assert start_for(lineage, lineage.examples()) == [first]
    lineage.roll_back(to=version)
    assert start_for(lineage, lineage.examples()) == [second]


def test_a_rollback_trains_nothing_anew(lineage: Lineage) -> None:
    """The data at hand keeps the start that its training had, be it rolled back since, as long as it is there."""
    first = lineage.model_of(lineage.examples())
    second = lineage.model_of(lineage.examples(), start=first)
    newest = lineage.examples()
    third = lineage.model_of(newest, start=second)
    versions = [lineage.push(model) for model in (first, second, third)]
    lineage.roll_back(to=versions[0])
    assert start_for(lineage, newest) == [second]
    assert start_for(lineage, lineage.examples()) == [first]
    lineage.models.remove(second)
    assert start_for(lineage, newest) == [first]
