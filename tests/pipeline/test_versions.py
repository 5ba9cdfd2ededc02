from __future__ import annotations

from pathlib import Path

import pytest

from components.pusher.local_directory import LocalDirectory
from components.pusher.publication import publish
from pipeline.paths import Paths
from pipeline.versions import (
    describe_versions,
    roll_experiment_back,
    serving_of,
    shown_location,
    versions_object,
)
from schemas.experiment import Experiment
from schemas.push import Push

SHORTEST = {"name": "flowers", "data": {"source": "/data/flowers"}}


@pytest.fixture
def experiment() -> Experiment:
    """With all defaults."""
    return Experiment.model_validate(SHORTEST)


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    """The workspace of the current directory."""
    monkeypatch.chdir(tmp_path)
    return Paths(Path("workspace"), "flowers")


@pytest.fixture
def published(paths: Paths, tmp_path: Path) -> list[int]:
    """Three versions in the workspace."""
    servable = tmp_path / "servable"
    servable.mkdir()
    versions = []
    for number in range(3):
        (servable / "saved_model.pb").write_text(f"graph {number}")
        versions.append(publish(servable, LocalDirectory(paths.serving), Push(), "flowers").version)
    return versions


def test_versions_are_where_the_experiment_says(paths: Paths, experiment: Experiment, tmp_path: Path) -> None:
    """In its workspace, or where push.directory leads."""
    assert serving_of(experiment, paths).location == str(tmp_path / "workspace" / "flowers" / "serving")
    elsewhere = Experiment.model_validate({**SHORTEST, "push": {"directory": "s3://bucket/flowers"}})
    assert serving_of(elsewhere, paths).location == "s3://bucket/flowers"
    assert shown_location("s3://bucket/flowers/7") == "s3://bucket/flowers/7"


def test_a_rollback_says_what_is_live(paths: Paths, experiment: Experiment, published: list[int]) -> None:
    """Exit status 0, with what was live before and what was withdrawn; again for the same one, nothing changes."""
    outcome = roll_experiment_back(experiment, paths, published[0], "dark")
    assert outcome.exit_status == 0
    assert outcome.message == (
        f"workspace/flowers/serving/{published[0]} is live, was {published[2]},"
        f" {published[1]}, {published[2]} withdrawn"
    )
    assert outcome.to_json() == {
        "status": "rolled_back",
        "from": published[2],
        "live": published[0],
        "withdrawn": published[1:],
        "serving_directory": str(paths.serving.absolute()),
        "message": outcome.message,
    }
    again = roll_experiment_back(experiment, paths, published[0], None)
    assert (again.exit_status, again.status) == (0, "unchanged")
    assert again.message == f"workspace/flowers/serving/{published[0]} is live already"
    back = roll_experiment_back(experiment, paths, published[2], None)
    assert back.message == f"workspace/flowers/serving/{published[2]} is live, was {published[0]}"


def test_what_cannot_be_is_told_apart(paths: Paths, experiment: Experiment, published: list[int]) -> None:
    """An unknown version is exit status 2; no older version, or no version at all, is 1."""
    unknown = roll_experiment_back(experiment, paths, 5, None)
    assert (unknown.exit_status, unknown.status, unknown.to_json()["live"]) == (2, "invalid", None)
    assert f"has no version 5; published: {published[0]}, " in unknown.message
    roll_experiment_back(experiment, paths, published[0], None)
    last = roll_experiment_back(experiment, paths, None, None)
    assert (last.exit_status, last.status) == (1, "failed")
    other = roll_experiment_back(experiment, Paths(paths.workspace, "roses"), None, None)
    assert other.exit_status == 1
    assert other.message.startswith("no model has been pushed to ")


def test_a_directory_that_cannot_be_changed_is_said(paths: Paths, experiment: Experiment, published: list[int]) -> None:
    """What the system refuses is exit status 1 with its reason, and no stack trace."""
    (paths.serving / ".lock").unlink()
    (paths.serving / ".lock").mkdir()
    outcome = roll_experiment_back(experiment, paths, None, None)
    assert outcome.exit_status == 1
    assert outcome.message == "workspace/flowers/serving cannot be changed: Is a directory"


def test_status_tells_which_is_live_and_what_was_rolled_back(
    paths: Paths, experiment: Experiment, published: list[int]
) -> None:
    """The versions, the live one marked; a line for each that was rolled back, with when, who and why."""
    serving = serving_of(experiment, paths)
    assert describe_versions(serving) == [
        f"versions in workspace/flowers/serving: {', '.join(map(str, published))} (live)"
    ]
    roll_experiment_back(experiment, paths, None, "dark [images]")
    first, second = describe_versions(serving)
    assert first == f"versions in workspace/flowers/serving: {published[0]}, {published[1]} (live)"
    assert second.startswith(f"rolled back: {published[2]} (2")
    assert second.endswith(": dark [images])")
    content = versions_object(serving)
    assert (content["versions"], content["live"]) == (published[:2], published[1])
    [withdrawn] = content["rolled_back"]
    assert (withdrawn["version"], withdrawn["why"]) == (published[2], "dark [images]")
    assert "@" in withdrawn["who"]


def test_a_version_that_was_hidden_by_hand_has_no_story(paths: Paths, experiment: Experiment) -> None:
    """Without an event only the number is told."""
    (paths.serving / ".rolled-back-7").mkdir(parents=True)
    assert describe_versions(serving_of(experiment, paths)) == [
        "versions in workspace/flowers/serving: none",
        "rolled back: 7",
    ]
