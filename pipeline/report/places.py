"""Where reports lie. Loads no TensorFlow."""

from __future__ import annotations

from pathlib import Path

from pipeline.paths import Paths
from pipeline.record import read_records

INDEX = "index.html"
_ENDING = ".html"


def report_path(paths: Paths, run_id: str) -> Path:
    """Where the report of a run is."""
    return paths.reports / f"{run_id}{_ENDING}"


def newest_report(paths: Paths) -> Path | None:
    """The report of the newest run that has one; None where no run has."""
    reports = {path.stem: path for path in sorted(paths.reports.glob(f"*{_ENDING}")) if path.name != INDEX}
    known = [record.run_id for record in read_records(paths.runs) if record.run_id in reports]
    newest = (known or list(reports))[-1:]
    return reports[newest[0]] if newest else None
