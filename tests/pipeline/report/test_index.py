from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

from pipeline.paths import Paths
from pipeline.report.index import write_index
from schemas.experiment import Experiment
from tests.pipeline.report.materials import EXPERIMENT, a_record
from tests.places import touch

RUNS = ("20260101T000000-aaaa", "20260102T000000-bbbb", "20260103T000000-cccc")


class Rows(HTMLParser):
    """The texts of a page's table by row, and where its links lead."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.links: list[str | None] = []
        self._in_cell = False
        self.feed(content)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_cell = tag == "td" or (self._in_cell and tag == "a")
        if tag == "tr":
            self.rows.append([])
        elif tag == "td":
            self.rows[-1].append("")
        elif tag == "a":
            self.links.append(dict(attrs)["href"])

    def handle_data(self, data: str) -> None:
        if self._in_cell:
            self.rows[-1][-1] += data.strip()

    def handle_endtag(self, tag: str) -> None:
        self._in_cell = self._in_cell and tag != "td"


def test_all_runs_are_compared(tmp_path: Path) -> None:
    """The newest first, each with its end, its version and its metrics; the live version is marked, a report linked."""
    paths = Paths(tmp_path, "flowers")
    metrics = {"accuracy": 0.9, "macro_f1": 0.8, "cross_entropy": 0.3, "example_count": 10.0}
    a_record(run_id=RUNS[0], metrics=metrics, pushed_version=1).write(paths.runs)
    a_record(run_id=RUNS[1], metrics={**metrics, "accuracy": 0.95}, pushed_version=2).write(paths.runs)
    a_record(run_id=RUNS[2], status="failed", pushed_version=None, nodes={}).write(paths.runs)
    for version in (1, 2):
        touch(paths.serving / str(version), "saved_model.pb")
    touch(paths.reports, f"{RUNS[1]}.html")
    write_index(Experiment.model_validate(EXPERIMENT), paths)
    content = (paths.reports / "index.html").read_text()
    found = Rows(content)
    assert found.rows[1:] == [
        [RUNS[2], "Failed at loading", "", "", "", "", "12.3"],
        [RUNS[1], "Pushed", "2 live", "0.9500", "0.8000", "0.3000", "12.3"],
        [RUNS[0], "Pushed", "1", "0.9000", "0.8000", "0.3000", "12.3"],
    ]
    assert found.links == [f"{RUNS[1]}.html"]
    assert '<h1 class="plain">Version 2 is live</h1>' in content
    assert "Accuracy over the 2 runs that evaluated a model: from 0.9000 in the first to 0.9500 in the last" in content


def test_an_experiment_that_pushed_nothing(tmp_path: Path) -> None:
    """No version is live, and a single run has no curve."""
    paths = Paths(tmp_path, "flowers")
    a_record(status="not_blessed", pushed_version=None, metrics={"accuracy": 0.1}).write(paths.runs)
    write_index(Experiment.model_validate(EXPERIMENT), paths)
    content = (paths.reports / "index.html").read_text()
    assert "No version is live" in content
    assert "<svg" not in content
