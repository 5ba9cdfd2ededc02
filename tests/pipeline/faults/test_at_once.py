"""Runs that are started at the same moment in one workspace."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.bookkeeping import assert_nothing_is_left_half_done
from tests.command_line import ROOT, Outcome
from tests.pipeline.projects import make_project

pytestmark = pytest.mark.long

_NUM_RUNS = 8
_TIMEOUT = 500


def test_of_eight_at_once_one_runs(records: list[bytes], tmp_path: Path) -> None:
    """One pushes; seven end at once with status 1, and say which run and process holds the workspace since when."""
    project = make_project(tmp_path, records[:150])
    workspace = ("--workspace", str(tmp_path / "workspace"))
    options = ("--set", "canary.enabled=false", "--json")
    command = [sys.executable, "local_runner.py", "run", str(tmp_path / "small.yaml"), *workspace, *options]
    processes = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(_NUM_RUNS)
    ]
    try:
        said = [process.communicate(timeout=_TIMEOUT) for process in processes]
    finally:
        for process in processes:
            process.kill()
    outcomes = {
        process.pid: Outcome(process.returncode, *texts) for process, texts in zip(processes, said, strict=True)
    }
    [winner] = [process for process, outcome in outcomes.items() if outcome.exit_status == 0]
    run = outcomes.pop(winner).json
    assert run["status"] == "pushed"
    for outcome in outcomes.values():
        assert outcome.exit_status == 1
        assert outcome.json["status"] == "failed"
        assert not outcome.shows_a_trace
        assert outcome.json["errors"] == [outcome.errors.strip()]
        assert f"(run {run['run_id']}), process {winner} of " in outcome.errors
        assert ", since " in outcome.errors
    assert [path.name for path in (project.root / "runs").iterdir()] == [run["run_id"]]
    assert_nothing_is_left_half_done(project.root)
