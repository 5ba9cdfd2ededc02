"""Where reports lie. Loads no TensorFlow."""

from __future__ import annotations

from pathlib import Path

from pipeline.paths import Paths

INDEX = "index.html"
_ENDING = ".html"


def report_path(paths: Paths, run_id: str) -> Path:
    """Where the report of a run is."""
    return paths.reports / f"{run_id}{_ENDING}"


def newest_report(paths: Paths) -> Path | None:
    """The report of the newest run that has one; None where no run has."""
    # Ids of runs start with their time.
    found = sorted(path for path in paths.reports.glob(f"*{_ENDING}") if path.name != INDEX)
    return found[-1] if found else None
