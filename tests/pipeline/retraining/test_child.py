from __future__ import annotations

import time
from pathlib import Path

import pytest

from pipeline.interruption import AFTER_NODE
from pipeline.paths import Paths
from pipeline.retraining import child
from pipeline.retraining.child import Child
from pipeline.workspace_lock import workspace_lock
from tests.command_line import ROOT

PATHS = Paths(Path("/nowhere"), "flowers")
STANDING_IN = """
import json, signal, sys, time

def end(word):
    print(json.dumps({"run_id": "r", "status": "failed", "message": word}))
    sys.exit(1)

signal.signal(signal.SIGTERM, lambda *_: end("ended"))
signal.signal(signal.SIGUSR1, lambda *_: end("asked"))
print("ready", file=open(sys.argv[2], "w"))
time.sleep(60)
"""
DEAF = STANDING_IN.replace('lambda *_: end("ended")', "signal.SIG_IGN")
HOLDING = f"""
import contextlib, os, sys, time
sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from pipeline.paths import Paths
from pipeline.workspace_lock import workspace_lock

paths = Paths(Path(sys.argv[3]), "flowers")
lock = workspace_lock(paths, "run flowers", starts_run=True) if sys.argv[4] == "1" else contextlib.nullcontext()
with lock as holder:
    Path(sys.argv[2]).write_text(str(holder and holder.run_id))
    time.sleep(1)
    os.kill(os.getpid(), 9)
"""
REFUSED = """
print('{"run_id": null, "status": "failed", "errors": ["in use by another"]}')
raise SystemExit(1)
"""


@pytest.fixture
def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Lets another program than `local_runner.py` be started; gives the file that it writes when it is ready."""
    monkeypatch.setattr(child, "_RUNNER", tmp_path / "runner.py")
    monkeypatch.setattr(child, "_GRACE_SECONDS", 0.5)
    (tmp_path / "runner.py").write_text(STANDING_IN)
    return tmp_path / "ready"


def wait_for(file: Path) -> None:
    deadline = time.monotonic() + 20
    while not file.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_run_is_ended_in_order_at_its_deadline(started: Path) -> None:
    """By SIGTERM; what it says last is its outcome."""
    outcome = Child([str(started)], PATHS, 2.0).wait()
    assert (outcome.exit_status, outcome.is_late, outcome.is_started) == (1, True, True)
    assert outcome.describe() == "run r failed (at its deadline): ended"


def test_one_that_does_not_end_is_killed(started: Path) -> None:
    """A while after the SIGTERM that it ignores."""
    started.with_name("runner.py").write_text(DEAF)
    outcome = Child([str(started)], PATHS, 1.0).wait()
    assert (outcome.exit_status, outcome.status) == (-9, "failed")
    assert outcome.describe() == "failed (at its deadline): its process ended with SIGKILL"


def test_it_can_be_asked_to_end_after_a_node(started: Path) -> None:
    """By the signal that a run takes for that."""
    running = Child([str(started)], PATHS, None)
    wait_for(started)
    running.end_after_node()
    assert running.wait().result["message"] == "asked"
    assert AFTER_NODE.name == "SIGUSR1"


def test_what_could_not_start_is_told_apart(started: Path) -> None:
    """A workspace in use has no run of its own, a crash has nothing to say."""
    runner = started.with_name("runner.py")
    runner.write_text(REFUSED)
    refused = Child([], PATHS, None).wait()
    assert (refused.is_started, refused.describe()) == (False, "failed: in use by another")
    runner.write_text("import os; os.kill(os.getpid(), 11)")
    assert Child([], PATHS, None).wait().describe() == "failed: its process ended with SIGSEGV"


def test_the_run_of_a_process_that_died_is_known(started: Path) -> None:
    """By the lock that it held; not by one that another process holds."""
    paths = Paths(started.parent, "flowers")
    started.with_name("runner.py").write_text(HOLDING)
    with workspace_lock(paths, "run flowers", starts_run=True):
        wait_for(started.with_name("flowers") / ".lock.json")
        running = Child([str(started), str(started.parent), "0"], paths, None)
        outcome = running.wait()
    assert (outcome.exit_status, outcome.is_crash, outcome.run_id) == (-9, True, None)
    outcome = Child([str(started), str(started.parent), "1"], paths, None).wait()
    assert (outcome.exit_status, outcome.is_crash, outcome.run_id) == (-9, True, started.read_text())
