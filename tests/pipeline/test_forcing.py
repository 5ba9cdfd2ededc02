from __future__ import annotations

from typing import NamedTuple

import pytest

from tests.command_line import Outcome
from tests.pipeline.projects import Project, make_project

pytestmark = pytest.mark.long

IMPOSSIBLE = ("evaluation.thresholds={cross_entropy: {max: 0.0}}",)


class Forced(NamedTuple):
    """Runs of a model that nothing could bless: refused, forced, and once more without a word."""

    project: Project
    refused: Outcome
    forced: Outcome
    again: Outcome


@pytest.fixture(scope="module")
def runs(records: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> Forced:
    """Three runs that differ in the option alone."""
    project = make_project(tmp_path_factory.mktemp("forced"), records)
    reasons = (None, "the demo is today", None)
    return Forced(project, *(project.run(*IMPOSSIBLE, force=reason) for reason in reasons))


def test_a_model_can_be_blessed_by_force(runs: Forced) -> None:
    """It is judged once, and pushed; who wanted that, when, why and against what is in the record and in `status`."""
    assert (runs.refused.exit_status, runs.refused.json["status"]) == (4, "not_blessed")
    assert runs.refused.json["forced"] is None
    assert (runs.forced.exit_status, runs.forced.json["status"]) == (0, "pushed")
    assert runs.forced.states["Evaluator"] == "cached"
    given = runs.forced.json["forced"]
    assert given["why"] == "the demo is today"
    assert "cross_entropy is" in given["verdict"]
    told = (
        f"model blessed against the Evaluator by {given['who']}, {given['when']}: the demo is today (cross_entropy is"
    )
    assert told in runs.project.command("status").output


def test_a_forced_blessing_stays_and_stays_known(runs: Forced) -> None:
    """The next run finds the model blessed and live, and its record still says by whom."""
    assert (runs.again.exit_status, runs.again.json["status"]) == (0, "unchanged")
    assert runs.again.json["forced"] == runs.forced.json["forced"]
    assert runs.project.versions() == [str(runs.forced.json["pushed_version"])]
