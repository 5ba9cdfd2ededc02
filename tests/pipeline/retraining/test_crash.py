"""Schedulers whose runs die, over a clock that is set back, or that look too often; their runs are stood in for."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from apscheduler.schedulers import base

from pipeline.paths import Paths
from pipeline.record import RunRecord, read_records
from pipeline.retraining import child, clock, scheduler
from pipeline.retraining.crash import find_remains
from pipeline.retraining.scheduler import Scheduler
from pipeline.retraining.state import Attempt, Ended, State, read_state
from pipeline.workspace_lock import workspace_lock
from schemas.experiment import Experiment
from tests.command_line import ROOT, in_subprocess
from tests.pipeline.projects import write_records

pytestmark = pytest.mark.long

POLL = 0.4
# Takes the workspace as a run does, and dies in its first stage.
DYING = f"""
import os, sys, time
sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from pipeline.paths import Paths
from pipeline.record import NodeRecord, RunRecord
from pipeline.workspace_lock import workspace_lock

paths = Paths(Path(sys.argv[2]), "flowers")
with workspace_lock(paths, "run flowers", starts_run=True) as holder:
    record = RunRecord(holder.run_id, "flowers", "0", "2026-01-02T03:04:05+00:00", sys.argv[3])
    record.nodes["Trainer"] = NodeRecord("running" if sys.argv[3] == "running" else "executed", 0.0)
    record.write(paths.runs)
    time.sleep(1)
    os.kill(os.getpid(), 9)
"""
DYING_AT_ONCE = "import os; os.kill(os.getpid(), 9)"
ENDING = """print('{"run_id": "r", "status": "unchanged"}')"""


class Served:
    """A scheduler of an experiment over spans, in a thread."""

    def __init__(self, directory: Path, runner: str, status: str = "running", **rules: float) -> None:
        self.directory = directory
        self.told = directory / "told.jsonl"
        (directory / "runner.py").write_text(runner)
        settings = {
            "name": "flowers",
            "data": {"source": f"{directory}/span-{{SPAN}}/*"},
            "retraining": {"poll_seconds": POLL, **rules},
            "notifications": {"command": ["sh", "-c", f"cat >> {self.told}; echo >> {self.told}"]},
        }
        self.paths = Paths(directory / "workspace", "flowers")
        self.paths.prepare()
        self.lines: list[tuple[float, str]] = []
        arguments = [str(self.paths.workspace), status]
        self.experiment = Experiment.model_validate(settings)
        self.scheduler = Scheduler(self.experiment, self.paths, arguments, self._tell)

    def _tell(self, text: str) -> None:
        self.lines.append((time.monotonic(), text))

    def add_span(self, number: int) -> None:
        (self.directory / f"span-{number}").mkdir()
        write_records(self.directory / f"span-{number}" / "images.tfrecord", [b"example"])

    def times_of(self, start: str) -> list[float]:
        return [when for when, text in self.lines if text.startswith(start)]

    def wait_until(self, is_so: Callable[[], object]) -> None:
        deadline = time.monotonic() + 30
        while not is_so():
            assert time.monotonic() < deadline, self.lines
            time.sleep(0.02)

    def payloads(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.told.read_text().splitlines()]

    @contextmanager
    def at_work(self) -> Iterator[None]:
        thread = threading.Thread(target=self.scheduler.serve)
        thread.start()
        try:
            yield
        finally:
            self.scheduler.ask_to_end()
            thread.join(timeout=30)
        assert not thread.is_alive()


@pytest.fixture(autouse=True)
def standing_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another program than `local_runner.py` is started."""
    monkeypatch.setattr(child, "_RUNNER", tmp_path / "runner.py")


def test_a_run_that_dies_is_tried_again_and_given_up(tmp_path: Path) -> None:
    """Three tries, at least a pause apart; told of after the first and the last; each one's record is cut off."""
    served = Served(tmp_path, DYING)
    served.add_span(1)
    with served.at_work():
        served.wait_until(lambda: served.times_of("given up after 3 tries: new data: span 1"))
        # More looks, and no more tries.
        time.sleep(4 * POLL)
    starts, crashes = served.times_of("run: new data"), served.times_of("tried again in 0.4 s")
    assert (len(starts), len(crashes)) == (3, 2)
    assert all(again - crash >= POLL for crash, again in zip(crashes, starts[1:], strict=True))
    records = read_records(served.paths.runs)
    assert [record.status for record in records] == ["failed"] * 3
    assert [record.nodes["Trainer"].state for record in records] == ["failed"] * 3
    assert "SIGKILL; tried again in 0.4 s)" in str(records[0].message)
    first, last = served.payloads()
    assert (first["run_id"], last["run_id"]) == (records[0].run_id, records[2].run_id)
    assert last["message"].endswith("SIGKILL; given up after 3 tries)")
    state = read_state(served.paths)
    assert state is not None
    assert state.under_way is None
    assert state.last is not None
    assert (state.last.status, state.last.run_id) == ("failed", records[2].run_id)


def test_one_that_dies_at_its_deadline_is_not_tried_again(tmp_path: Path) -> None:
    """It would take as long again."""
    served = Served(tmp_path, DYING, deadline_minutes=0.5 / 60)
    served.add_span(1)
    with served.at_work():
        served.wait_until(lambda: served.times_of("given up after 1 try"))
        time.sleep(3 * POLL)
    assert len(served.times_of("run: ")) == 1
    assert len(served.payloads()) == 1


def test_a_run_that_noted_its_end_before_it_died_has_ended_so(tmp_path: Path) -> None:
    """Its push counts, and is told of; nothing is tried again, and the record stays as it is."""
    served = Served(tmp_path, DYING, "pushed")
    served.add_span(1)
    with served.at_work():
        served.wait_until(served.told.exists)
        time.sleep(3 * POLL)
    assert len(served.times_of("run: ")) == 1
    assert [payload["event"] for payload in served.payloads()] == ["pushed"]
    [record] = read_records(served.paths.runs)
    assert (record.status, record.message) == ("pushed", None)
    state = read_state(served.paths)
    assert state is not None
    assert state.last is not None
    assert (state.last.status, state.num_trainings) == ("pushed", 1)


@pytest.mark.parametrize("is_held", [True, False])
def test_no_other_runs_record_is_changed(tmp_path: Path, is_held: bool) -> None:
    """One that is `running` stays so when a scheduled run dies before it has a record; that is told without an id."""
    served = Served(tmp_path, DYING_AT_ONCE)
    served.add_span(1)
    other = RunRecord("20260102T030405-abcd", "flowers", "0", "2026-01-02T03:04:05+00:00", "running")
    other.write(served.paths.runs)
    with workspace_lock(served.paths, "run flowers") if is_held else nullcontext(), served.at_work():
        served.wait_until(lambda: served.times_of("given up after 3 tries"))
    assert read_records(served.paths.runs) == [other]
    assert [payload["run_id"] for payload in served.payloads()] == [None, None]


def test_no_record_is_changed_while_another_has_the_workspace(tmp_path: Path) -> None:
    """Not even the dead run's own: whoever has the workspace mends it. It is told of as cut off all the same."""
    served = Served(tmp_path, ENDING)
    record = RunRecord("20260102T030405-abcd", "flowers", "0", "2026-01-02T03:04:05+00:00", "running")
    record.write(served.paths.runs)
    outcome = child.Outcome(-9, {}, run_id=record.run_id)
    with workspace_lock(served.paths, "run flowers"):
        remains = find_remains(served.experiment, served.paths, outcome, "tried again in 1 s")
    assert read_records(served.paths.runs) == [record]
    assert (remains.record.run_id, remains.record.status, remains.is_complete) == (record.run_id, "failed", False)
    assert find_remains(served.experiment, served.paths, outcome, "tried again in 1 s") == remains
    assert read_records(served.paths.runs) == [remains.record]


def test_the_state_is_that_of_the_moment_when_the_lock_is_held(tmp_path: Path) -> None:
    """What another scheduler left between a scheduler's start and its work is not lost."""
    served = Served(tmp_path, ENDING)
    State(answered="2026-01-02T03:04:05+00:00", num_trainings=7).write(served.paths)
    with served.at_work():
        pass
    state = read_state(served.paths)
    assert state is not None
    assert (state.answered, state.num_trainings) == ("2026-01-02T03:04:05+00:00", 7)


def test_a_lock_that_cannot_be_had_ends_the_scheduler_with_a_reason(tmp_path: Path) -> None:
    """Status 1 and what to do; no stack trace."""
    served = Served(tmp_path, ENDING)
    served.add_span(1)
    (served.paths.root / ".scheduler.lock").mkdir()
    file = tmp_path / "flowers.yaml"
    file.write_text(f"extends: digits\nname: flowers\ndata: {{dataset: null, source: '{tmp_path}/span-{{SPAN}}/*'}}\n")
    outcome = in_subprocess("schedule", str(file), "--workspace", str(served.paths.workspace))
    assert (outcome.exit_status, outcome.output, outcome.shows_a_trace) == (1, "", False)
    assert ".scheduler.lock cannot be locked: Is a directory; " in outcome.errors
    assert "--workspace DIR" in outcome.errors


def test_times_that_have_not_come_are_not_believed(tmp_path: Path) -> None:
    """Noted before the clock was set back by a year: told once, written anew, and new data is run all the same."""
    served = Served(tmp_path, ENDING)
    later = (datetime.now(timezone.utc) + timedelta(days=365)).isoformat()
    State(answered=later, last=Ended("pushed", "r", [], later)).write(served.paths)
    served.add_span(1)
    with served.at_work():
        served.wait_until(lambda: served.times_of("run r unchanged"))
        time.sleep(2 * POLL)
    assert len(served.times_of("the clock was set back")) == 1
    state = read_state(served.paths)
    assert state is not None
    assert state.last is not None
    assert max(state.answered, state.last.when) <= datetime.now(timezone.utc).isoformat()


def test_a_clock_set_back_during_work_stops_no_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By an hour; the next span is run at once, not an hour later."""
    back = timedelta()

    class Shifted(datetime):
        @classmethod
        def now(cls, zone: Any = None) -> Any:
            return datetime.now(zone) - back

    for module in (base, scheduler):
        monkeypatch.setattr(module, "datetime", Shifted)
    shifted = SimpleNamespace(time=lambda: time.time() - back.total_seconds(), monotonic=time.monotonic)
    monkeypatch.setattr(clock, "time", shifted)
    served = Served(tmp_path, ENDING)
    served.add_span(1)
    with served.at_work():
        served.wait_until(lambda: served.times_of("run r unchanged"))
        back = timedelta(hours=1)
        time.sleep(3 * POLL)
        served.add_span(2)
        served.wait_until(lambda: len(served.times_of("run r unchanged")) == 2)
    assert len(served.times_of("the clock was set back")) == 1


def test_two_looks_at_the_same_moment_are_one(tmp_path: Path) -> None:
    """As those of a poll and of a time of cron: what is still being written has not settled between them."""
    served = Served(tmp_path, ENDING, poll_seconds=4.0)
    served.add_span(1)
    for _ in range(3):
        served.scheduler._look()
    assert served.lines == []
    time.sleep(2.1)
    served.scheduler._look()
    assert served.times_of("run: new data: span 1")


def test_attempts_of_earlier_versions_are_read(tmp_path: Path) -> None:
    """They count no crashes."""
    served = Served(tmp_path, ENDING)
    State(answered="2026-01-02T03:04:05+00:00", under_way=Attempt(["time"], "2026-01-02")).write(served.paths)
    file = served.paths.root / "scheduler.json"
    content = json.loads(file.read_text())
    del content["under_way"]["times_crashed"]
    file.write_text(json.dumps(content))
    state = read_state(served.paths)
    assert state is not None
    assert state.under_way == Attempt(["time"], "2026-01-02", times_crashed=0)
