"""A disk that fills up in the middle of a run, or cannot be written to."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.pusher.local_directory import LocalDirectory
from tests.bookkeeping import assert_nothing_is_left_half_done
from tests.pipeline.faults.disks import fill, mounted, remount
from tests.pipeline.faults.stages import from_beginning, when_begins
from tests.pipeline.projects import Project, make_project, write_records

pytestmark = pytest.mark.long

STAGES = (
    "ImageExampleGen",
    "StatisticsGen",
    "DataGate",
    "Transform",
    "Trainer",
    "Evaluator",
    "Canary",
    "Pusher",
    "RunReport",
)
_LEFT = 30_000_000
ANYTHING = "evaluation.thresholds.accuracy={min: 0.0, max_drop: null}"


@pytest.fixture(scope="module")
def small_disk(records: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project whose workspace is a file system of its own, with one version live, and with a new source."""
    directory = tmp_path_factory.mktemp("disk")
    project = make_project(directory, records[:200])
    with mounted(directory / "workspace", megabytes=200):
        assert project.run(ANYTHING).exit_status == 0
        write_records(directory / "source" / "digits.tfrecord", records[200:400])
        yield project


@pytest.mark.parametrize("stage", STAGES)
def test_a_full_disk_ends_the_run_and_nothing_else(stage: str, small_disk: Project) -> None:
    """Full from the beginning of a stage on: status 1 and a reason, what is served stays whole, the stage is mended."""
    ballast = small_disk.directory / "workspace" / "ballast"
    before = small_disk.versions()
    # So that the rest is taken in no time.
    fill(ballast, leave=_LEFT)
    try:
        with from_beginning(stage, lambda: fill(ballast)) as is_full:
            outcome = small_disk.run(ANYTHING)
    finally:
        ballast.unlink(missing_ok=True)
    assert is_full.is_set()
    assert not outcome.shows_a_trace, outcome.errors
    serving = LocalDirectory(small_disk.root / "serving")
    assert not [damage for version in serving.versions() if (damage := serving.damage(version))]
    if outcome.exit_status != 0:
        assert outcome.exit_status == 1
        assert "No space left on device" in outcome.json["message"]
        assert "free some space" in outcome.json["message"]
        assert small_disk.versions() == before
    else:
        # A stage that had next to nothing to write may have done so in the gaps between blocks.
        assert stage in ("DataGate", "RunReport"), outcome.output


def test_with_space_again_the_run_goes_through(small_disk: Project) -> None:
    """After all these failures a plain run pushes, and nothing is left half done."""
    outcome = small_disk.run(ANYTHING)
    assert outcome.exit_status == 0, outcome.output
    assert outcome.json["status"] in ("pushed", "unchanged")
    assert_nothing_is_left_half_done(small_disk.root)


def test_a_serving_directory_that_turned_read_only(records: list[bytes], tmp_path: Path) -> None:
    """The push fails with a reason and what to do; all else is kept, and with rights again only the push is left."""
    project = make_project(tmp_path, records[:200])
    with mounted(tmp_path / "served", megabytes=50) as served:
        settings = (ANYTHING, "canary.enabled=false", f"push.directory={served / 'small'}")
        with when_begins("Evaluator", project.root / "runs", lambda: remount(served, "ro")):
            outcome = project.run(*settings)
        assert outcome.exit_status == 1
        assert not outcome.shows_a_trace
        assert outcome.json["message"].startswith(f"Pusher: Read-only file system ({served}")
        assert outcome.states["Evaluator"] == "executed"
        remount(served, "rw")
        again = project.run(*settings)
        assert again.json["status"] == "pushed", again.output
        assert again.states["Evaluator"] == "cached"
        assert os.listdir(served / "small")
