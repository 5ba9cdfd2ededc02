from __future__ import annotations

from pathlib import Path

import pytest

from components.pusher.local_directory import LocalDirectory
from components.pusher.rolled_back import RolledBackModels
from schemas.push import Push
from tests.components.lineage import Lineage


def rolled_back(lineage: Lineage) -> list[int]:
    """Places of the models that count as rolled back, among all in the order in which they were made."""
    found = RolledBackModels(lineage.store, lineage.serving)
    return [place for place, model in enumerate(lineage.models) if model.id in found]


@pytest.fixture
def lineage(tmp_path: Path) -> Lineage:
    """Three models, each pushed as a version of its own."""
    lineage = Lineage(tmp_path)
    for _ in range(3):
        lineage.push(lineage.model_of(lineage.examples()))
    return lineage


def test_models_above_the_live_version_were_rolled_back(lineage: Lineage) -> None:
    """However many steps back; and a rollback can be undone."""
    assert rolled_back(lineage) == []
    first, _, last = lineage.serving.versions()
    lineage.roll_back()
    assert rolled_back(lineage) == [2]
    lineage.roll_back(to=first)
    assert rolled_back(lineage) == [1, 2]
    lineage.roll_back(to=last)
    assert rolled_back(lineage) == [1]


def test_a_model_that_was_never_pushed_was_not_rolled_back(lineage: Lineage) -> None:
    """One whose push failed is as good as any; and another directory's versions, of the same numbers, say nothing."""
    lineage.roll_back()
    lineage.model_of(lineage.examples())
    assert rolled_back(lineage) == [2]
    other = RolledBackModels(lineage.store, LocalDirectory(lineage.serving.path.with_name("other")))
    assert not [model for model in lineage.models if model.id in other]


def test_what_is_no_longer_kept_is_known_by_the_history(tmp_path: Path) -> None:
    """A version that only became too old was not rolled back; one that was rolled back stays so once it is removed."""
    lineage = Lineage(tmp_path, Push(keep=1, grace_seconds=0))
    for _ in range(2):
        lineage.push(lineage.model_of(lineage.examples()))
    assert len(lineage.serving.versions()) == 1
    assert rolled_back(lineage) == []
    third = Lineage.push(lineage, lineage.model_of(lineage.examples()))
    lineage.serving.withdraw(third)
    lineage.push(lineage.model_of(lineage.examples()))
    fifth = lineage.push(lineage.model_of(lineage.examples()))
    lineage.serving.withdraw(fifth)
    lineage.push(lineage.model_of(lineage.examples()))
    assert third not in lineage.serving.rolled_back()
    assert rolled_back(lineage) == [2, 4]


def test_a_model_that_was_pushed_again_is_served(lineage: Lineage) -> None:
    """Of a model's versions one that is served is enough."""
    lineage.roll_back()
    last = lineage.models[-1]
    # By hand: a run pushes no such model again.
    for version in lineage.serving.rolled_back():
        lineage.serving.remove(version)
    (lineage.serving.path / ".history.jsonl").unlink()
    assert rolled_back(lineage) == []
    lineage.push(last)
    lineage.roll_back()
    assert rolled_back(lineage) == [2]
    lineage.push(lineage.model_of(lineage.examples()))
    assert rolled_back(lineage) == [2]
