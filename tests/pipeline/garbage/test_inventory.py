from __future__ import annotations

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
