from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from components.errors import StageError
from pipeline.mirror.workspace import Mirror
from pipeline.paths import Paths
from pipeline.record import RunRecord, read_record
from tests.gcs import gcs_server
from tests.places import touch
from tests.s3 import BUCKET, s3_server

RUN, OTHER = "20260102T030405-0000", "20260101T030405-0000"


@pytest.fixture(params=["s3", "gs"])
def location(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A place in a bucket of a server of each kind."""
    server = s3_server if request.param == "s3" else gcs_server
    with server(tmp_path / "server", monkeypatch):
        yield f"{request.param}://{BUCKET}/workspaces/a"


@pytest.fixture
def pod(location: str, tmp_path: Path) -> Callable[[], tuple[Mirror, Paths]]:
    """Makes another process's copy, on a disk of its own at the same path."""

    def begin() -> tuple[Mirror, Paths]:
        shutil.rmtree(tmp_path / "copy", ignore_errors=True)
        paths = Paths(tmp_path / "copy", "flowers")
        return Mirror(location, paths, RUN), paths

    return begin


Pod = Callable[[], tuple[Mirror, Paths]]


def record(run_id: str) -> RunRecord:
    return RunRecord(run_id=run_id, experiment="flowers", digest="", started="2026-01-02T03:04:05+00:00")


def test_what_a_run_goes_on_from_comes_along(pod: Pod) -> None:
    """Records, its own logs, checkpoints whole, the quarantine; not reports, nor another run's logs."""
    mirror, paths = pod()
    with mirror.at_work():
        for run_id in (RUN, OTHER):
            record(run_id).write(paths.runs)
        (paths.runs / RUN / "Trainer.log").write_text("epoch 1\n")
        touch(paths.checkpoints, "abc/epoch-00001/state.json", "abc/.growing/arrays.npz")
        touch(paths.quarantine, "1.jsonl", ".2.jsonl")
        touch(paths.reports, "index.html")
    # Written by that run's own process.
    other = Mirror(mirror.location, paths, OTHER)
    other.send()
    touch(paths.runs, f"{OTHER}/Trainer.log")
    other.send()
    again, paths = pod()
    with again.at_work():
        found = {path.relative_to(paths.root).as_posix() for path in paths.root.rglob("*") if path.is_file()}
        assert found == {
            f"runs/{RUN}/record.json",
            f"runs/{RUN}/Trainer.log",
            f"runs/{OTHER}/record.json",
            "checkpoints/abc/epoch-00001/state.json",
            "quarantine/1.jsonl",
        }
        assert read_record(paths.runs, RUN) == record(RUN)


def test_artifacts_are_fetched_when_they_are_read(pod: Pod) -> None:
    """With their times, for an embedded data set is known by them; one that is nowhere is its reader's to tell."""
    mirror, paths = pod()
    examples, dataset = paths.artifacts / "ImageExampleGen" / "examples" / "1", paths.datasets / "digits"
    touch(examples, "Split-train/data_tfrecord-00000-of-00001.gz")
    touch(dataset, ".dataset.json", "digits.tfrecord")
    os.utime(dataset / "digits.tfrecord", (1.5e9, 1.5e9))
    for place in (examples, dataset, paths.artifacts / "none"):
        mirror.keep(str(place))
    again, paths = pod()
    assert not examples.exists()
    for place in (examples, dataset, paths.artifacts / "none", Path("/elsewhere/examples")):
        again.fetch(str(place))
    assert (examples / "Split-train" / "data_tfrecord-00000-of-00001.gz").is_file()
    assert (dataset / ".dataset.json").exists()
    assert (dataset / "digits.tfrecord").stat().st_mtime == 1.5e9
    assert not (paths.artifacts / "none").exists()
    assert not [path for path in paths.workspace.iterdir() if path.name.startswith(".")]


def test_changes_are_sent_and_what_is_gone_goes(pod: Pod, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever comes, changes or goes between two sendings; what stays is not sent again."""
    mirror, paths = pod()
    touch(paths.checkpoints, "abc/epoch-00001/state.json", "def/finished")
    log = paths.runs / RUN / "Trainer.log"
    log.parent.mkdir(parents=True)
    log.write_text("epoch 1\n")
    mirror.send()
    log.write_text("epoch 1\nepoch 2\n")
    shutil.rmtree(paths.checkpoints / "def")
    touch(paths.checkpoints, "abc/epoch-00002/state.json")
    mirror.send()
    again, paths = pod()
    with again.at_work():
        assert log.read_text() == "epoch 1\nepoch 2\n"
        assert {path.name for path in paths.checkpoints.rglob("*")} == {
            "abc",
            "epoch-00001",
            "epoch-00002",
            "state.json",
        }
        sent: list[str] = []
        monkeypatch.setattr(again.objects, "put", lambda file, path: sent.append(path))
        again.send()
        assert sent == []
        touch(paths.checkpoints, "abc/epoch-00003/state.json")
        again.send()
        assert sent == ["flowers/checkpoints/abc/epoch-00003.tar"]


def test_what_is_damaged_is_told(pod: Pod) -> None:
    """With the place that it is of."""
    mirror, paths = pod()
    model = paths.artifacts / "Trainer" / "model" / "7"
    touch(model, "saved_model.pb")
    mirror.keep(str(model))
    mirror.objects.write("flowers/artifacts/Trainer/model/7.tar", b"no archive")
    again, paths = pod()
    with pytest.raises(StageError, match=r"what was sent of .*/Trainer/model/7 is damaged"):
        again.fetch(str(model))


def test_a_place_that_is_not_there_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the place, and what to look at."""
    with s3_server(tmp_path / "server", monkeypatch):
        mirror = Mirror("s3://no-such-bucket/a", Paths(tmp_path / "copy", "flowers"), RUN)
        touch(tmp_path / "copy" / "flowers" / "runs" / RUN, "Trainer.log")
        with pytest.raises(StageError, match=r"s3://no-such-bucket/a cannot be used: .*; check its address"):
            mirror.send()
