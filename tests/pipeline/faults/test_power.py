"""Power that fails in the middle of a run, or right after something was done."""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ml_metadata.proto import metadata_store_pb2

from components.pusher.local_directory import LocalDirectory
from pipeline.nodes import PUSHER, RUN_REPORT, TRAINER
from pipeline.record import CACHED, EXECUTED, FAILED, PUSHED, RUNNING, UNCHANGED, RunRecord, read_records
from tests.bookkeeping import assert_nothing_is_left_half_done
from tests.command_line import ROOT, Outcome
from tests.pipeline.faults.power import Disk, disk_at
from tests.pipeline.projects import Project, make_project, with_broken, write_records

pytestmark = pytest.mark.long

OPTIONS = (
    "canary.enabled=false",
    "data.quarantine.max_fraction=0.1",
    "evaluation.thresholds.accuracy={min: 0.0, max_drop: null}",
)
_MEGABYTES = 400
_TIMEOUT = 150.0
_PAUSE = 0.005


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Disk]:
    """For the workspace."""
    place = tmp_path_factory.mktemp("power")
    with disk_at(place / "project" / "workspace", place / "disk.img", _MEGABYTES) as disk:
        yield disk


@pytest.fixture(scope="module")
def project(disk: Disk, records: list[bytes]) -> Project:
    """A project whose workspace alone loses its power; one of its examples cannot be used."""
    project = make_project(disk.directory.parent, [])
    use(project, records[:150])
    return project


def use(project: Project, records: list[bytes]) -> None:
    """Another source, so that there is work to do."""
    write_records(project.directory / "source" / "digits.tfrecord", with_broken(records, "image/encoded", b"none"))


@contextlib.contextmanager
def running(project: Project, *options: str) -> Iterator[subprocess.Popen[str]]:
    """A run as a user starts it, whose processes have ended afterwards; they are killed unless they have."""
    settings = [part for option in (*OPTIONS, *options) for part in ("--set", option)]
    workspace = ("--workspace", str(project.directory / "workspace"))
    command = [sys.executable, "local_runner.py", "run", str(project.directory / "small.yaml"), *workspace, *settings]
    process = subprocess.Popen(
        [*command, "--json"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def run(project: Project, *options: str) -> Outcome:
    """A run that nothing happens to."""
    with running(project, *options) as process:
        output, errors = process.communicate(timeout=_TIMEOUT)
    return Outcome(process.returncode, output, errors)


def lose_power_when(
    project: Project, disk: Disk, is_time: Callable[[RunRecord], bool], *options: str
) -> tuple[RunRecord, dict[str, str]]:
    """Takes the power from a run, ends its processes, and gives power back.

    Args:
      project: what is run.
      disk: with its workspace.
      is_time: given the run's record as it is now, says whether the power goes.
      options: overrides.

    Returns:
      The record as it was then, and what was kept by then of the stages that had ended.
    """
    runs = project.root / "runs"
    known = {record.run_id for record in read_records(runs)}
    with running(project, *options) as process:
        deadline = time.monotonic() + _TIMEOUT
        while True:
            new = [record for record in read_records(runs) if record.run_id not in known]
            if new and is_kept(runs, new[0]) and is_time(new[0]):
                break
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(_PAUSE)
        kept = kept_of(project, new[0])
        disk.lose_power()
        assert process.poll() is None
    disk.come_back()
    return new[0], kept


def is_kept(runs: Path, record: RunRecord) -> bool:
    """Whether a record is on the disk: it can be read a moment before, but the log of what is next begins after."""
    at_work = [name for name, node in record.nodes.items() if node.state == RUNNING]
    return all((runs / record.run_id / f"{name}.log").exists() for name in at_work or [RUN_REPORT])


def finished(record: RunRecord) -> set[str]:
    """Nodes that need not be worked on again."""
    return {name for name, node in record.nodes.items() if node.state in (EXECUTED, CACHED)}


def kept_of(project: Project, record: RunRecord) -> dict[str, str]:
    """Digests of all files that the finished stages of a run have left, and of the versions that are served."""
    places = [project.root / "artifacts" / node for node in finished(record)]
    if places:
        places.append(project.root / "quarantine")
    places += project.root.glob("serving/[0-9]*")
    files = [path for place in places for path in sorted(place.rglob("*")) if path.is_file()]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


# What has ended well in a run; the context of a node is named after its pipeline and itself.
_DONE = """
SELECT Node.name
FROM Execution
JOIN Association AS InRun ON InRun.execution_id = Execution.id JOIN Context AS Run ON Run.id = InRun.context_id
JOIN Association AS OfNode ON OfNode.execution_id = Execution.id JOIN Context AS Node ON Node.id = OfNode.context_id
JOIN Type ON Type.id = Node.type_id
WHERE Run.name = ? AND Type.name = 'node' AND last_known_state IN (?, ?)
"""


def assert_nothing_was_lost(project: Project, before: RunRecord, kept: dict[str, str]) -> RunRecord:
    """The record, the artifacts and the database are as they were when the power went; gives the record."""
    [after] = [record for record in read_records(project.root / "runs") if record.run_id == before.run_id]
    assert finished(after) >= finished(before)
    assert kept.items() <= kept_of(project, before).items()
    with contextlib.closing(sqlite3.connect(project.root / "metadata.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        states = (metadata_store_pb2.Execution.COMPLETE, metadata_store_pb2.Execution.CACHED)
        done = {name.rpartition(".")[2] for (name,) in database.execute(_DONE, (before.run_id, *states))}
    # A report is in no database.
    assert done >= finished(before) - {RUN_REPORT}
    return after


def assert_it_went_on(project: Project, cut: RunRecord, again: Outcome, status: str) -> None:
    """A plain run used all that was finished, gave up what was cut, and left everything whole."""
    assert again.json["status"] == status, again.output + again.errors
    # Whether a push is still wanted is looked up each time, and a report is made anew.
    done = finished(cut) - {PUSHER, RUN_REPORT}
    assert {node: again.states[node] for node in done} == dict.fromkeys(done, CACHED)
    [told] = [record for record in read_records(project.root / "runs") if record.run_id == cut.run_id]
    # It may have come to its report already.
    if cut.status != PUSHED:
        assert told.status == FAILED
        assert "cut off" in str(told.message)
    assert_nothing_is_left_half_done(project.root)
    serving = LocalDirectory(project.root / "serving")
    assert serving.versions()
    assert not [damage for version in serving.versions() if (damage := serving.damage(version))]


def test_power_that_goes_between_stages_takes_nothing_back(project: Project, disk: Disk) -> None:
    """Run after run is cut off a stage later; each uses what those before it had finished, and the last one pushes."""
    before = None
    for node in ("ImageExampleGen", "Transform", TRAINER, "Evaluator"):
        done, kept = lose_power_when(project, disk, lambda record, node=node: node in finished(record))  # type: ignore[misc]
        assert any("quarantine" in name for name in kept)
        if before is not None:
            assert {done.nodes[name].state for name in finished(before)} == {CACHED}
        before = assert_nothing_was_lost(project, done, kept)
    assert before is not None
    assert_it_went_on(project, before, run(project), PUSHED)


def test_power_that_goes_in_a_training_costs_an_epoch(project: Project, disk: Disk, records: list[bytes]) -> None:
    """The next run goes on from a checkpoint that had been written before."""
    use(project, records[150:300])

    def has_checkpoints(record: RunRecord) -> bool:
        return bool(list(project.root.glob("checkpoints/*/epoch-*[3-9]")))

    epochs = "training.epochs=12"
    done, kept = lose_power_when(project, disk, has_checkpoints, epochs)
    assert done.nodes[TRAINER].state == RUNNING
    cut = assert_nothing_was_lost(project, done, kept)
    again = run(project, epochs)
    assert_it_went_on(project, cut, again, PUSHED)
    assert again.json["training"]["resumed_from_epoch"] >= 3


def test_power_that_goes_right_after_a_push_takes_no_version_back(
    project: Project, disk: Disk, records: list[bytes]
) -> None:
    """The version that servers may have seen is there, whole, and is found to be live."""
    use(project, records[300:450])
    before = project.versions()
    serving = LocalDirectory(project.root / "serving")
    num_events = len(serving.events())
    # A version can be seen a moment before it is on the disk; that it was pushed is noted after.
    done, kept = lose_power_when(project, disk, lambda record: len(serving.events()) > num_events)
    assert PUSHER in done.nodes
    versions = project.versions()
    assert len(versions) == len(before) + 1
    assert any(f"serving/{versions[-1]}/" in name for name in kept)
    cut = assert_nothing_was_lost(project, done, kept)
    assert_it_went_on(project, cut, run(project), UNCHANGED)
    assert project.versions() == versions
