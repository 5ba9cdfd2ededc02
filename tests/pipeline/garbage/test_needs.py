from __future__ import annotations

from pathlib import Path

from components.pusher.rolled_back import RolledBackModels
from pipeline.garbage.needs import Lineage as KnownLineage
from pipeline.garbage.needs import needs_of
from tests.components.lineage import Lineage


def needed(lineage: Lineage) -> list[int]:
    """Places of the models that are kept where no run and no version is, among all in the order of their making."""
    rolled_back = RolledBackModels(lineage.store, lineage.serving)
    needs = needs_of(KnownLineage(lineage.store), [], [], rolled_back)
    return [place for place, model in enumerate(lineage.models) if model.id in needs]


def test_what_stands_in_for_models_that_were_rolled_back_is_kept(tmp_path: Path) -> None:
    """The last two models stay in any case; after a rollback also the two that resolvers would then find."""
    lineage = Lineage(tmp_path)
    versions = [lineage.push(lineage.model_of(lineage.examples())) for _ in range(6)]
    assert needed(lineage) == [4, 5]
    lineage.roll_back(to=versions[2])
    assert needed(lineage) == [1, 2, 4, 5]


def test_the_start_of_the_last_model_is_kept(tmp_path: Path) -> None:
    """Without it a run with nothing new would train anew."""
    lineage = Lineage(tmp_path)
    first = lineage.model_of(lineage.examples())
    for _ in range(2):
        lineage.model_of(lineage.examples(), start=first)
    lineage.model_of(lineage.examples(), is_blessed=False)
    assert needed(lineage) == [0, 1, 2]
    lineage.model_of(lineage.examples(), start=lineage.models[2])
    assert needed(lineage) == [2, 4]
