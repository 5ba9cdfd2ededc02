from __future__ import annotations

import json
import re
import time
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.record import EXIT_STATUSES, NodeRecord, RunRecord, new_run_id, not_started, read_records

CONTRACT = {"status", "run_id", "nodes", "pushed_version", "serving_directory", "metrics", "report"}


def full_record(run_id: str = "20260102T030405-abcd") -> RunRecord:
    return RunRecord(
        run_id=run_id,
        experiment="flowers",
        digest="0" * 64,
        started="2026-01-02T03:04:05+00:00",
        status="pushed",
        nodes={"Trainer": NodeRecord("executed", 12.5), "Pusher": NodeRecord("cached", 0.25)},
        message="why",
        accepted={"who": "ann@here", "when": "2026-01-02T03:04:05+00:00", "why": "it is meant", "verdict": "drift"},
        log="runs/x/Trainer.log",
        warnings=["Blüten"],
        pushed_version=17,
        serving_directory="workspace/flowers/serving",
        metrics={"accuracy": 0.5},
        training={"epochs": 7, "best_epoch": 4, "stopped_by": "early_stopping", "seconds": 9.5},
        diagnostics=[{"sign": "slow_start", "kind": "warning", "epoch": 3, "figures": {"drop": 0.01}}],
        tuning={"best": {"training.learning_rate": 0.01}},
        sample="sample-rose.png",
        image="registry/darkroom@sha256:0",
        report="reports/x.html",
        seconds=13.0,
    )


@pytest.mark.parametrize(
    ("status", "exit_status"),
    [
        ("running", 1),
        ("pushed", 0),
        ("unchanged", 0),
        ("failed", 1),
        ("invalid", 2),
        ("stopped_by_gate", 3),
        ("not_blessed", 4),
        ("refused", 4),
    ],
)
def test_exit_statuses_are_the_contract_s(status: str, exit_status: int) -> None:
    """Each status ends the process with the number that other programs rely on."""
    record = full_record()
    record.status = status
    assert record.exit_status == exit_status


def test_there_is_no_other_status() -> None:
    """The table above is whole."""
    stops = {"stopped_by_gate", "not_blessed", "refused"}
    assert set(EXIT_STATUSES) == {"running", "pushed", "unchanged", "failed", "invalid", *stops}


def test_a_run_counts_as_failed_until_it_is_known_better() -> None:
    """A record written in the middle of a run never claims success."""
    assert RunRecord(run_id="x", experiment="flowers", digest="", started="").exit_status == 1


def test_written_and_read_back(tmp_path: Path) -> None:
    """A record is read back whole, from directories that did not exist before; nothing else stays beside it."""
    full_record().write(tmp_path / "runs")
    assert read_records(tmp_path / "runs") == [full_record()]
    assert [path.name for path in (tmp_path / "runs" / full_record().run_id).iterdir()] == ["record.json"]


def test_records_of_before_trainings_were_told_are_read(tmp_path: Path) -> None:
    """A record that says nothing of training, diagnostics and tuning has none of them."""
    full_record().write(tmp_path)
    path = tmp_path / full_record().run_id / "record.json"
    content = json.loads(path.read_text())
    for name in ("training", "diagnostics", "tuning"):
        del content[name]
    path.write_text(json.dumps(content))
    [record] = read_records(tmp_path)
    assert (record.training, record.diagnostics, record.tuning) == ({}, [], None)


def test_oldest_first(tmp_path: Path) -> None:
    """Records come in the order of their runs."""
    for run_id in ("20260301T000000-aaaa", "20260102T000000-ffff", "20260201T000000-0000"):
        full_record(run_id).write(tmp_path)
    months = [record.run_id[4:6] for record in read_records(tmp_path)]
    assert months == ["01", "02", "03"]


@pytest.mark.parametrize("text", ["", "{", "[1]", "{}", '{"nodes": {}, "unknown": 1}', '{"nodes": {"Trainer": 3}}'])
def test_unreadable_records_are_left_out(tmp_path: Path, text: str) -> None:
    """A record that is cut off, foreign or of another version hides no other."""
    full_record().write(tmp_path)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "record.json").write_text(text)
    (tmp_path / "still-running").mkdir()
    assert read_records(tmp_path) == [full_record()]


def test_no_runs_at_all(tmp_path: Path) -> None:
    """A directory that is not there holds no records."""
    assert read_records(tmp_path / "none") == []


def test_what_a_program_gets() -> None:
    """The object of --json can be written as JSON and has the contract's keys."""
    content = json.loads(json.dumps(full_record().to_json()))
    assert set(content) >= CONTRACT
    assert content["nodes"]["Trainer"] == {"state": "executed", "seconds": 12.5, "attempts": 1}
    assert content["accepted"]["why"] == "it is meant"
    assert content["training"]["stopped_by"] == "early_stopping"
    assert content["diagnostics"][0]["figures"] == {"drop": 0.01}
    assert content["tuning"] == {"best": {"training.learning_rate": 0.01}}
    assert content["report"] == "reports/x.html"


def test_what_a_program_gets_where_nothing_ran() -> None:
    """The same keys, and the errors."""
    content = not_started("invalid", ("first", "second"))
    assert set(content) == CONTRACT | {"errors"}
    assert set(content) - {"errors"} <= set(full_record().to_json())
    assert (content["status"], content["errors"]) == ("invalid", ["first", "second"])
    assert (content["nodes"], content["metrics"], content["pushed_version"]) == ({}, {}, None)


def test_run_ids_sort_by_time(tmp_path: Path) -> None:
    """An id starts with the time in UTC, and those of one second are in order, too: runs may take less than that."""
    ids = []
    for _ in range(200):
        ids.append(new_run_id(tmp_path))
        time.sleep(0.0001)
    assert len(set(ids)) == len(ids)
    assert sorted(ids) == ids
    assert all(re.fullmatch(r"\d{8}T\d{6}-[0-9a-f]{4}", run_id) for run_id in ids)


@pytest.mark.parametrize(
    ("last", "following"),
    [
        ("20990102T030405-0001", "20990102T030405-0002"),
        ("20990102T030405-f423", "20990102T030406-0000"),
        ("20991231T235959-ffff", "21000101T000000-0bdc"),
    ],
)
def test_a_run_follows_the_others_though_the_clock_was_set_back(last: str, following: str, tmp_path: Path) -> None:
    """Or a later run would be taken for an older one: by the cache of whole runs, and by what removes old ones."""
    for name in (last, "20260101T000000-0000", "not-a-run", "a0b1c2d3-0000-4000-8000-000000000000"):
        (tmp_path / name).mkdir()
    assert new_run_id(tmp_path) == following


def test_runs_of_kubeflow_are_in_the_order_of_their_time(tmp_path: Path) -> None:
    """Their ids are Kubeflow's, and say nothing of it."""
    days = {"fff": 1, "20260102T030405-abcd": 2, "aaa": 3}
    for run_id, day in days.items():
        replace(full_record(run_id), started=f"2026-01-0{day}T03:04:05+00:00").write(tmp_path)
    assert [record.run_id for record in read_records(tmp_path)] == list(days)
