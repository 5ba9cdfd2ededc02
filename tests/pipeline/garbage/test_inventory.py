from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

from pipeline.garbage.inventory import runs_of
from pipeline.paths import Paths
from pipeline.record import RunRecord


def test_a_run_that_repeats_another_keeps_it(tmp_path: Path) -> None:
    """Where nothing was new, the kept run has nothing of its own: its answer is the earlier run's."""
    paths = Paths(tmp_path, "flowers")
    ids = [f"2026010{day}T030000-abcd" for day in range(1, 6)]
    repeats = [None, None, None, ids[1], ids[1]]
    for run_id, other in zip(ids, repeats, strict=True):
        RunRecord(run_id=run_id, experiment="flowers", digest="", started="", repeats=other).write(paths.runs)
    assert runs_of(paths, 1, ()).kept == (ids[1], ids[4])
    assert runs_of(paths, 3, ()).kept == (ids[1], *ids[2:])
    assert runs_of(paths, 0, ()).kept == ()


def test_runs_after_the_clock_was_set_back(tmp_path: Path) -> None:
    """What a kept run wrote is as old as its clock said, whatever its id; of a run without a record, its id says it."""
    paths = Paths(tmp_path, "flowers")
    RunRecord("20990101T000000-0000", "flowers", "", "2099-01-01T00:00:00+00:00").write(paths.runs)
    RunRecord("20990101T000000-0001", "flowers", "", "2026-01-01T00:00:00+00:00").write(paths.runs)
    runs = runs_of(paths, 2, ())
    assert runs.kept[-1] == "20990101T000000-0001"
    assert runs.begin == datetime(2026, 1, 1, tzinfo=timezone.utc).timestamp()
    (paths.runs / "20990101T000000-0001" / "record.json").unlink()
    assert runs_of(paths, 1, ()).begin == datetime(2099, 1, 1, tzinfo=timezone.utc).timestamp()
