from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from pipeline.paths import Paths
from pipeline.record import RunRecord
from pipeline.retraining import due
from pipeline.retraining.state import Ended, State
from schemas.experiment import Experiment
from schemas.retraining import Retraining
from tests.pipeline.projects import write_records

NOW = datetime(2026, 1, 8, 12, tzinfo=timezone.utc)


def state(answered: datetime = NOW, **others: Any) -> State:
    return State(answered=answered.isoformat(), **others)


def complete(**basis: Any) -> RunRecord:
    record = RunRecord("20260102T030405-abcd", "flowers", "0", "2026-01-02T03:04:05+00:00", "pushed")
    return replace(record, basis=basis, data={"examples": {"train": 2, "test": 1}, "refused": {"empty": 1}})


def test_missed_times_are_due_once() -> None:
    """Whatever has passed since the last answer, the first of it is due; once that is answered, nothing is."""
    rules = Retraining(cron="0 3 * * *")
    days_ago = NOW - timedelta(days=5)
    assert due.due_time(rules, state(days_ago), NOW) == datetime(2026, 1, 4, 3, tzinfo=timezone.utc)
    assert due.due_time(rules, state(NOW), NOW) is None
    assert due.next_time(rules, NOW) == datetime(2026, 1, 9, 3, tzinfo=timezone.utc)
    assert due.due_time(rules, state(NOW), NOW + timedelta(days=1)) is not None
    assert due.due_time(Retraining(), state(days_ago), NOW) is None


def test_a_time_answered_at_the_same_moment_is_not_due_again() -> None:
    """An answer on the stroke of the time counts for that time."""
    stroke = datetime(2026, 1, 8, 3, tzinfo=timezone.utc)
    assert due.due_time(Retraining(cron="0 3 * * *"), state(stroke), stroke) is None


def test_data_is_new_that_no_run_has_had() -> None:
    """Neither the scheduler's last, nor the last complete one."""
    look = due.Look("b", 2, 0)
    assert due.is_new(look, state(), None)
    assert due.is_new(look, state(seen="a"), complete(fingerprint="a"))
    assert not due.is_new(look, state(seen="b"), complete(fingerprint="a"))
    assert not due.is_new(look, state(seen="a"), complete(fingerprint="b"))


def test_no_run_starts_before_it_has_cooled_down() -> None:
    """Counted from the end of the last one; nothing before the first."""
    rules = Retraining(cooldown_minutes=30)
    assert due.cooled_down_at(rules, state()) is None
    last = Ended("pushed", "r", [], NOW.isoformat())
    assert due.cooled_down_at(rules, state(last=last)) == NOW + timedelta(minutes=30)


def test_times_that_have_not_come_are_taken_as_now() -> None:
    """The answer's and the last end's, each; what has come stays, and so does all else."""
    before, later = NOW - timedelta(minutes=1), NOW + timedelta(days=1)
    ended = {when: Ended("pushed", "r", [], when.isoformat()) for when in (before, NOW, later)}
    for known, there in ((before, before), (later, NOW)):
        for last, last_there in ((before, before), (later, NOW)):
            found = state(known, last=replace(ended[last]), seen="a")
            assert due.come_back_to(NOW, found) is (later in (known, last))
            assert found == state(there, last=ended[last_there], seen="a")
    assert not due.come_back_to(NOW, state(before))


def test_a_source_has_settled_when_it_stayed_long_enough() -> None:
    """From the first look at it as it is now; a change, and a source that cannot be read, begin anew."""
    one, two = due.Look("a", 1, 0), due.Look("b", 1, 0)
    settling = due.Settling(5.0)
    looks = [
        (one, 0),
        (one, 4.9),
        (one, 5),
        (one, 6),
        (two, 7),
        (two, 11),
        (two, 12),
        (None, 13),
        (None, 99),
        (two, 100),
    ]
    found = [settling.is_settled(look, now) for look, now in looks]
    assert found == [False, False, True, True, False, False, True, False, False, False]


def test_every_so_many_trainings_one_is_from_scratch() -> None:
    """The turn comes with other data; over the same data a run is given what the last one was."""
    rules, scratch = Retraining(from_scratch_every=3), ["training.warm_start=false"]
    assert due.overrides_of(Retraining(), state(num_trainings=9), True) == []
    assert [due.overrides_of(rules, state(num_trainings=count), True) for count in range(4)] == [[], [], [], scratch]
    assert due.overrides_of(rules, state(num_trainings=1, last_overrides=scratch), False) == scratch


def tfrecords(directory: Path, count: int) -> None:
    directory.mkdir(parents=True)
    write_records(directory / "images.tfrecord", [b"example"] * count)


def image_folder(directory: Path, count: int) -> None:
    for number in range(count):
        place = directory / ("red", "blue")[number % 2]
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number}.png").write_bytes(b"png")
    (directory / "red" / "Thumbs.db").touch()


def manifest(directory: Path, count: int) -> None:
    directory.mkdir(parents=True)
    rows = "".join(f"{number}.png,red\n" for number in range(count))
    (directory / "images.csv").write_text("path,label\n" + rows)


@pytest.mark.parametrize(
    ("data_format", "write", "name"),
    [("tfrecord", tfrecords, "*"), ("image_folder", image_folder, "*"), ("manifest", manifest, "images.csv")],
)
def test_new_examples_are_those_of_newer_spans(
    data_format: str, write: Callable[[Path, int], None], name: str, tmp_path: Path
) -> None:
    """Of each format, counted up to the limit; all of them where there was no run."""
    for span, count in ((1, 5), (2, 4), (3, 6)):
        write(tmp_path / f"span-{span}", count)
    data = {"source": f"{tmp_path}/span-{{SPAN}}/{name}", "format": data_format, "spans": {"window": 9}}
    experiment = Experiment.model_validate({"name": "flowers", "data": data})
    paths = Paths(tmp_path / "workspace", "flowers")
    since_first = complete(fingerprint="a", span=1, version=0)
    assert due.num_new_examples(experiment, paths, since_first, 100) == 10
    assert due.num_new_examples(experiment, paths, since_first, 7) == 7
    assert due.num_new_examples(experiment, paths, None, 100) == 15
    assert due.num_new_examples(experiment, paths, complete(fingerprint="a", span=3, version=0), 100) == 0


def test_without_spans_new_examples_are_more_than_there_were(tmp_path: Path) -> None:
    """Four were used or refused before; of nine, five are new."""
    tfrecords(tmp_path / "source", 9)
    experiment = Experiment.model_validate({"name": "flowers", "data": {"source": str(tmp_path / "source")}})
    paths = Paths(tmp_path / "workspace", "flowers")
    last = complete(fingerprint="a", span=0, version=0)
    assert due.num_new_examples(experiment, paths, last, 100) == 5
    assert due.num_new_examples(experiment, paths, last, 3) == 3


def test_a_look_sees_what_ingestion_would(tmp_path: Path) -> None:
    """The newest span, and another fingerprint once any of its files has changed."""
    tfrecords(tmp_path / "span-4", 1)
    experiment = Experiment.model_validate({"name": "x", "data": {"source": f"{tmp_path}/span-{{SPAN}}/*"}})
    paths = Paths(tmp_path / "workspace", "x")
    first = due.look_at(experiment, paths)
    assert (first.span, first.describe()) == (4, "span 4")
    assert due.look_at(experiment, paths) == first
    os.utime(tmp_path / "span-4" / "images.tfrecord", (1, 1))
    assert due.look_at(experiment, paths) != first
