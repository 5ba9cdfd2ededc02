"""Schedulers as a user starts them, over directories that get new spans."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from pipeline.paths import Paths
from pipeline.record import RunRecord, read_records
from pipeline.retraining.drift import find_drift
from pipeline.retraining.state import State, read_state
from schemas.gate import Gate
from tests.bookkeeping import assert_nothing_is_left_half_done
from tests.command_line import ROOT, in_process
from tests.pipeline.projects import EXPERIMENT, write_records
from tests.test_layout import HEAVY

pytestmark = pytest.mark.long

_TIMEOUT = 400


class Scheduled:
    """An experiment over spans, its workspace, and the schedulers that are started for it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.file = directory / "small.yaml"
        self.paths = Paths(directory / "workspace", "small")
        self.log = directory / "scheduler.log"
        source = EXPERIMENT.replace("source: source", 'source: "source/span-{SPAN}/*"')
        source = source.replace("accuracy: {min: 0.0}", "accuracy: {min: 0.0, max_drop: null}")
        self.file.write_text(source + "canary: {enabled: false}\nretraining: {poll_seconds: 0.5}\n")

    def add_span(self, number: int, records: list[bytes]) -> None:
        directory = self.directory / "source" / f"span-{number}"
        directory.mkdir(parents=True)
        write_records(directory / "digits.tfrecord", records)

    @contextmanager
    def started(self, *overrides: str) -> Iterator[subprocess.Popen[str]]:
        """A scheduler at work; killed at the end where it has not ended."""
        process = self.start(*overrides)
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def start(self, *overrides: str) -> subprocess.Popen[str]:
        options = [argument for override in overrides for argument in ("--set", override)]
        workspace = ("--workspace", str(self.paths.workspace))
        with self.log.open("a") as log:
            return subprocess.Popen(
                [sys.executable, "local_runner.py", "schedule", str(self.file), *workspace, *options],
                cwd=ROOT,
                stdout=log,
                stderr=log,
                text=True,
            )

    def wait_for(self, pattern: str, count: int = 1) -> None:
        """Until the log has so many matches."""
        deadline = time.monotonic() + _TIMEOUT
        while len(re.findall(pattern, self.log.read_text(), flags=re.MULTILINE)) < count:
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.1)

    def records(self) -> list[RunRecord]:
        return read_records(self.paths.runs)

    def status(self) -> Any:
        return in_process("status", str(self.file), "--workspace", str(self.paths.workspace), "--json").json

    def plain_status(self) -> str:
        return in_process("status", str(self.file), "--workspace", str(self.paths.workspace)).output


def end(process: subprocess.Popen[str]) -> int:
    process.send_signal(signal.SIGTERM)
    return process.wait(timeout=_TIMEOUT)


@pytest.fixture(scope="module")
def scheduled(records: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> Scheduled:
    """An experiment whose first two spans a scheduler has run, the second with a margin that no model can beat."""
    scheduled = Scheduled(tmp_path_factory.mktemp("scheduled"))
    scheduled.add_span(1, records[:200])
    with scheduled.started("evaluation.champion.margin=0.9") as process:
        scheduled.wait_for(r"run \S+ pushed: version")
        second = subprocess.run(
            [
                sys.executable,
                "local_runner.py",
                "schedule",
                str(scheduled.file),
                "--workspace",
                scheduled.paths.workspace,
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=_TIMEOUT,
        )
        assert (second.returncode, second.stdout) == (1, "")
        assert f"another scheduler (process {process.pid} of " in second.stderr
        assert scheduled.status()["scheduler"]["is_alive"] is True
        scheduled.add_span(2, records[200:400])
        scheduled.wait_for(r"run \S+ not_blessed: the champion stays")
        began = time.monotonic()
        assert end(process) == 0
        assert time.monotonic() - began < 60
    return scheduled


def test_a_new_span_is_run(scheduled: Scheduled) -> None:
    """Each span once, for the reason that it is new; nothing else."""
    assert [record.status for record in scheduled.records()] == ["pushed", "not_blessed"]
    assert [(record.data or {})["span"] for record in scheduled.records()] == [1, 2]
    assert re.findall(r"run: (new data: span \d)", scheduled.log.read_text()) == [
        "new data: span 1",
        "new data: span 2",
    ]
    state = read_state(scheduled.paths)
    assert state is not None
    assert (state.process, state.under_way, state.num_trainings) == (None, None, 2)


def test_the_champion_stays_and_its_score_is_told(scheduled: Scheduled) -> None:
    """The challenger's and the champion's figures on the newest test data, in the record and in `status`."""
    first, second = scheduled.records()
    assert second.message is not None
    assert second.message.startswith("the champion stays, and the new model is not pushed:\naccuracy is ")
    assert second.champion is not None
    its = second.champion["metrics"]["accuracy"]
    assert scheduled.status()["champion"]["scores"][-1]["metrics"]["accuracy"] == its
    told = (
        f"champion {first.pushed_version}: accuracy {first.metrics['accuracy']:.4f} when pushed, {its:.4f} on the test"
    )
    plain = scheduled.plain_status()
    assert told in plain
    assert "scheduler: none at work" in plain


def test_a_missed_time_runs_once_and_survives_an_end_in_the_middle(scheduled: Scheduled) -> None:
    """SIGTERM lets the stage at work end; the next scheduler goes on with the run, once for all missed times."""
    state = read_state(scheduled.paths)
    assert state is not None
    state.answered = (datetime.now(timezone.utc) - timedelta(days=3)).isoformat()
    state.write(scheduled.paths)
    overrides = ("retraining.cron='0 3 * * *'", "retraining.on_new_data=false", "preprocessing.height=9")
    num_before = len(scheduled.records())
    with scheduled.started(*overrides) as process:
        scheduled.wait_for(r"^StatisticsGen ", count=3)
        assert end(process) == 0
    record = scheduled.records()[-1]
    assert (record.status, len(scheduled.records())) == ("failed", num_before + 1)
    assert re.fullmatch(r"ended before \w+, as asked; run again: finished stages are kept", record.message or "")
    states = [node.state for node in record.nodes.values()]
    assert not {"running", "failed"} & set(states)
    assert "skipped" in states
    assert_nothing_is_left_half_done(scheduled.paths.root)
    state = read_state(scheduled.paths)
    assert state is not None
    assert state.under_way is not None
    with scheduled.started(*overrides) as process:
        scheduled.wait_for(r"run: time ", count=2)
        scheduled.wait_for(r"run \S+ (pushed|not_blessed)", count=3)
        time.sleep(2)
        assert end(process) == 0
    assert len(scheduled.records()) == num_before + 2
    assert scheduled.records()[-1].status in ("pushed", "not_blessed")


def test_a_run_that_crashes_is_told_of_and_tried_again(scheduled: Scheduled, tmp_path: Path) -> None:
    """SIGKILL of the run: its record says so, who is to be told is told, and the next try goes through."""
    told = tmp_path / "told.json"
    command = json.dumps(["sh", "-c", f"cat > {told}"])
    state = read_state(scheduled.paths)
    assert state is not None
    state.answered = (datetime.now(timezone.utc) - timedelta(days=3)).isoformat()
    state.write(scheduled.paths)
    overrides = ("retraining.cron='0 3 * * *'", f"notifications.command={command}", "preprocessing.height=10")
    num_before = len(scheduled.records())
    with scheduled.started(*overrides) as process:
        while len(scheduled.records()) == num_before:
            time.sleep(0.1)
        [child] = _children_of(process.pid)
        subprocess.run(["kill", "-KILL", str(child)], check=True)
        scheduled.wait_for(r"tried again in 0\.5 s: time ")
        deadline = time.monotonic() + 20
        while not told.exists() or not told.read_text():
            assert time.monotonic() < deadline
            time.sleep(0.1)
        crashed = json.loads(told.read_text())
        scheduled.wait_for(r"run \S+ (pushed|not_blessed)", count=4)
        assert end(process) == 0
    first, second = scheduled.records()[num_before:]
    assert (first.status, first.run_id) == ("failed", crashed["run_id"])
    assert "cut off" in (first.message or "")
    assert second.status in ("pushed", "not_blessed")


def test_drift_of_what_is_served_is_found(scheduled: Scheduled, tmp_path: Path) -> None:
    """None against the statistics trained on; the facts' names against those of other images."""
    import tensorflow_data_validation as tfdv

    record = next(record for record in scheduled.records() if record.basis is not None)
    assert record.basis is not None
    [statistics] = record.basis["artifacts"]["statistics"]
    trained = tfdv.load_stats_binary(f"{statistics}/Split-train/FeatureStats.pb")
    served = tmp_path / "served.pbtxt"
    tfdv.write_stats_text(trained, str(served))
    gate = Gate(serving_statistics=str(served))
    assert find_drift(gate, record) == []
    for feature in trained.datasets[0].features:
        if ".".join(feature.path.step) == "image/mean":
            for histogram in feature.num_stats.histograms:
                for bucket in histogram.buckets:
                    bucket.low_value, bucket.high_value = bucket.low_value + 90, bucket.high_value + 90
    tfdv.write_stats_text(trained, str(served))
    [finding] = find_drift(gate, record)
    assert finding.startswith("split train: image/mean: ")
    assert "from what was served" in finding


def _children_of(process: int) -> list[int]:
    return [int(number) for number in Path(f"/proc/{process}/task/{process}/children").read_text().split()] or [
        int(number)
        for task in Path(f"/proc/{process}/task").iterdir()
        for number in (task / "children").read_text().split()
    ]


def test_a_state_survives_being_written(tmp_path: Path) -> None:
    """What is read is what was written; what is cut short is nothing."""
    paths = Paths(tmp_path, "small")
    paths.root.mkdir()
    state = State(answered="2026-01-02T03:04:05+00:00", seen="a", num_trainings=2, last_overrides=["a=b"])
    state.write(paths)
    assert read_state(paths) == state
    file = paths.root / "scheduler.json"
    file.write_text(file.read_text()[:-20])
    assert read_state(paths) is None


def test_a_scheduler_loads_no_tensorflow() -> None:
    """Nor TFX, Beam or ML Metadata: it waits for days, and its runs have processes of their own."""
    modules = "pipeline.commands.schedule, pipeline.retraining.scheduler"
    script = f"import json, sys, {modules}; print(json.dumps([*sys.modules]))"
    result = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, check=True, timeout=60)
    assert not HEAVY & {name.partition(".")[0] for name in json.loads(result.stdout)}
