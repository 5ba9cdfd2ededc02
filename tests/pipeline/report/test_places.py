from __future__ import annotations

from pathlib import Path

from pipeline.paths import Paths
from pipeline.record import RunRecord
from pipeline.report.places import newest_report, report_path
from tests.command_line import in_process
from tests.places import touch


def test_the_newest_run_s_report(tmp_path: Path) -> None:
    """That of the newest run, never the page that compares them all."""
    paths = Paths(tmp_path, "digits")
    assert newest_report(paths) is None
    touch(paths.reports, "index.html")
    for run_id in ("20260101T000000-ffff", "20260102T000000-0000", "20260103T000000-0000"):
        RunRecord(run_id, "digits", "", "").write(paths.runs)
    for run_id in ("20260101T000000-ffff", "20260102T000000-0000"):
        touch(paths.reports, f"{run_id}.html")
    assert newest_report(paths) == report_path(paths, "20260102T000000-0000")


def test_the_command_prints_its_path(tmp_path: Path) -> None:
    """One line to open it with; where nothing has run, exit status 2 and why."""
    none = in_process("report", "digits", "--workspace", str(tmp_path))
    assert (none.exit_status, none.output) == (2, "")
    assert f"no report in {tmp_path / 'digits' / 'reports'}: digits has not run yet" in none.errors
    touch(tmp_path / "digits" / "reports", "20260102T000000-0000.html")
    found = in_process("report", "digits", "--workspace", str(tmp_path))
    expected = tmp_path / "digits" / "reports" / "20260102T000000-0000.html"
    assert (found.exit_status, found.output) == (0, f"{expected}\n")
