"""What else a machine may do to a run: too little memory, a locked database, a clock that goes backwards."""

from __future__ import annotations

import json
import resource
import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.bookkeeping import assert_nothing_is_left_half_done
from tests.command_line import ROOT, Outcome
from tests.pipeline.faults.stages import when_begins
from tests.pipeline.projects import Project, make_project, write_records

pytestmark = pytest.mark.long

OPTIONS = ("canary.enabled=false", "evaluation.thresholds.accuracy={min: 0.0, max_drop: null}")
_TIMEOUT = 150
_LOCKED_SECONDS = 8.0
# Of address space, beyond what the process has: less than the buffers of a training.
_LITTLE = 32 << 20


@pytest.fixture(scope="module")
def project(records: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with a version that is live, and a new source."""
    project = make_project(tmp_path_factory.mktemp("machine"), records[:150])
    assert project.run(*OPTIONS).exit_status == 0
    return project


def run_with_little_memory(project: Project, stage: str) -> Outcome:
    """A run in a process of its own, whose address space may not grow from a stage on."""
    settings = [part for option in OPTIONS for part in ("--set", option)]
    workspace = ("--workspace", str(project.directory / "workspace"))
    command = [sys.executable, "local_runner.py", "run", str(project.directory / "small.yaml"), *workspace, *settings]
    process = subprocess.Popen(
        [*command, "--json"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )

    def limit() -> None:
        pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[0])
        most = pages * resource.getpagesize() + _LITTLE
        resource.prlimit(process.pid, resource.RLIMIT_AS, (most, most))

    try:
        with when_begins(stage, project.root / "runs", limit) as is_limited:
            try:
                output, errors = process.communicate(timeout=_TIMEOUT)
            except subprocess.TimeoutExpired:
                process.kill()
                output, errors = process.communicate(timeout=_TIMEOUT)
        assert is_limited.is_set()
    finally:
        process.kill()
    return Outcome(process.returncode, output, errors)


def test_too_little_memory_costs_a_run_and_no_more(project: Project, records: list[bytes]) -> None:
    """The run fails, or its process is ended; what is served stays, and with memory again a plain run pushes."""
    write_records(project.directory / "source" / "digits.tfrecord", records[10:160])
    before = project.versions()
    starved = run_with_little_memory(project, "Trainer")
    # TensorFlow ends the process itself where it gets no memory, or waits for ever for a thread that never began.
    assert starved.exit_status == 1 or starved.exit_status < 0, starved.output
    if starved.exit_status == 1:
        assert "Traceback" not in starved.errors
        assert starved.json["status"] == "failed"
        assert starved.json["message"]
    assert project.versions() == before
    again = project.run(*OPTIONS)
    assert again.json["status"] == "pushed", again.output
    assert_nothing_is_left_half_done(project.root)


def test_a_locked_database_is_waited_for(project: Project, records: list[bytes]) -> None:
    """Another process that holds ML Metadata's write lock for some seconds costs those seconds."""
    write_records(project.directory / "source" / "digits.tfrecord", records[200:350])
    held = []

    def hold() -> None:
        connection = sqlite3.connect(project.root / "metadata.db", timeout=60, isolation_level=None)
        connection.execute("BEGIN EXCLUSIVE")
        held.append(time.monotonic())
        time.sleep(_LOCKED_SECONDS)
        connection.execute("ROLLBACK")
        connection.close()

    with when_begins("StatisticsGen", project.root / "runs", hold):
        outcome = project.run(*OPTIONS)
    assert held
    assert outcome.json["status"] == "pushed", outcome.output
    assert outcome.json["seconds"] > _LOCKED_SECONDS
    assert_nothing_is_left_half_done(project.root)


def test_a_clock_set_back_never_takes_a_version_back(project: Project, records: list[bytes]) -> None:
    """After a version and a run of a time to come, a new version has a larger number still, and is the live one."""
    future = 4_000_000_000
    live = project.root / "serving" / project.versions()[-1]
    live.rename(live.with_name(str(future)))
    last = max((project.root / "runs").iterdir())
    shutil.copytree(last, last.with_name("20961002T070640-abcd"))
    record = last.with_name("20961002T070640-abcd") / "record.json"
    record.write_text(json.dumps({**json.loads(record.read_text()), "run_id": "20961002T070640-abcd"}))
    write_records(project.directory / "source" / "digits.tfrecord", records[300:450])
    outcome = project.run(*OPTIONS)
    assert outcome.json["status"] == "pushed", outcome.output
    assert outcome.json["pushed_version"] == future + 1
    assert project.command("rollback", "--json").json["live"] == future
    assert project.run(*OPTIONS).json["status"] == "unchanged"
