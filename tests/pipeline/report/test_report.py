from __future__ import annotations

import re
from collections import Counter
from importlib.metadata import version
from pathlib import Path

import pytest

from pipeline.record import read_records
from pipeline.report.attempt import try_to_report
from pipeline.report.material import Material
from tests.command_line import in_subprocess
from tests.pipeline.report.conftest import Reported
from tests.pipeline.report.materials import a_material, a_record

LARGEST = 3_000_000


def titles(path: Path) -> list[str]:
    return re.findall(r"<h2>(.*?)</h2>", path.read_text(encoding="utf-8"))


def test_a_pushed_run_has_all_parts(reported: Reported) -> None:
    """In the order in which they are asked for; what it did not do is left out."""
    path = reported.report(reported.pushed)
    assert titles(path) == [
        *("Verdict", "Metrics", "Learning curves", "Diagnostics", "Confusion matrix", "Classes", "Worst mistakes"),
        *("Data", "Samples", "Quarantine", "Stages", "Canary", "Provenance"),
    ]
    assert path.stat().st_size < LARGEST
    assert path.name == f"{reported.pushed.json['run_id']}.html"


def test_what_the_parts_show(reported: Reported) -> None:
    """Pictures of the data, of the quarantine and of mistakes; how augmentation varies each sample."""
    content = reported.report(reported.pushed).read_text(encoding="utf-8")
    pictures = re.findall(r'<img src="(.+?)" alt="(.+?)"', content)
    by_kind = Counter(re.split(r" of class | as |: ", alternative)[0] for _, alternative in pictures)
    assert by_kind["Refused"] == 3
    assert by_kind["Training image"] == 6 * 5
    assert 1 <= by_kind["Image"] <= 24
    samples = [uri for uri, alternative in pictures if alternative.startswith("Training image")]
    rows = [samples[first : first + 5] for first in range(0, 30, 5)]
    assert all(len(set(row)) == 5 for row in rows)
    assert re.search(r"<td[^>]*>undecodable</td><td[^>]*>1</td>", content)


def test_where_everything_came_from(reported: Reported) -> None:
    """The experiment with all its defaults, its digest, the packages, and each artifact with what it was made of."""
    content = reported.report(reported.pushed).read_text(encoding="utf-8")
    assert reported.pushed.json["digest"] in content
    assert "\n  early_stopping:\n" in content
    assert f"tensorflow {version('tensorflow')}" in content
    lineage = content[content.index("Lineage, by the ids") :]
    rows = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", lineage)]
    [(_, made_by, _, made_from, place)] = [row for row in rows if row and row[0].startswith("Model ")]
    assert made_by.startswith("Trainer ")
    assert {name.split()[0] for name in made_from.split(", ")} == {"examples", "schema", "transform_graph"}
    assert place.startswith("artifacts/Trainer/model/")


def test_a_refused_model_is_shown_like_any(reported: Reported) -> None:
    """With its misses, which stand beside the last blessed model's figures."""
    content = reported.report(reported.refused).read_text(encoding="utf-8")
    assert reported.refused.exit_status == 4
    assert "Not pushed: Evaluator refused the model" in content
    assert "Worst mistakes" in titles(reported.report(reported.refused))


def test_a_stopped_run_shows_what_there_is(reported: Reported) -> None:
    """The data that the gate refused, how far it is from the last, and no word of a model."""
    assert reported.stopped.exit_status == 3
    path = reported.report(reported.stopped)
    assert titles(path) == ["Verdict", "Data", "Samples", "Quarantine", "Stages", "Provenance"]
    content = path.read_text(encoding="utf-8")
    assert "Stopped at DataGate" in content
    assert "to mend drift" in content
    distance = re.search(r">image/mean</td><td[^>]*>([\d.]+)</td><td[^>]*>([\d.]+)</td>", content)
    assert distance is not None
    assert float(distance[1]) < float(distance[2])
    assert re.search(r'class="figure [^"]*problem"', content)


def test_a_run_tells_of_its_report(reported: Reported) -> None:
    """It is a stage of the run, in the record and for programs; the command prints the newest."""
    for outcome in (reported.pushed, reported.refused, reported.stopped):
        assert outcome.states["RunReport"] == "executed"
        assert Path(outcome.json["report"]).exists()
    records = read_records(reported.project.root / "runs")
    assert [record.report for record in records] == [
        outcome.json["report"] for outcome in (reported.pushed, reported.refused, reported.stopped)
    ]
    assert reported.project.command("report").output == f"{reported.stopped.json['report']}\n"


def test_a_run_that_came_to_nothing_has_one_too(tmp_path: Path) -> None:
    """Its data set cannot be prepared: the report says so, with the log."""
    own = tmp_path / "_datasets" / "digits" / "own.txt"
    own.parent.mkdir(parents=True)
    own.touch()
    outcome = in_subprocess("run", "digits", "--workspace", str(tmp_path))
    assert outcome.exit_status == 1
    report = Path(outcome.output.splitlines()[-1].removeprefix("report: "))
    assert titles(report) == ["Verdict", "Provenance"]
    content = report.read_text(encoding="utf-8")
    assert "Failed at loading" in content
    assert "cannot be prepared over &#39;own.txt&#39;" in content


def test_a_part_that_fails_costs_itself_alone(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """What cannot be read is missing, which the record warns of, and all else is there."""
    record = a_record(nodes={}, tuning={"best": {}})
    material = a_material(record, tmp_path)
    broken = Material(material.record, material.experiment, material.paths, {"tuner_results": []})
    with capfd.disabled():
        assert try_to_report(broken, tmp_path / "RunReport.log")
    assert record.report is not None
    assert titles(Path(record.report)) == ["Verdict", "Search", "Provenance"]
    assert record.warnings == [f"the report lacks Search; log: {tmp_path / 'RunReport.log'}"]
    assert "KeyError" in (tmp_path / "RunReport.log").read_text()


def test_a_report_that_cannot_be_written_is_a_warning(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The run's end stays what it was, and the log says why."""
    (tmp_path / "flowers").mkdir()
    (tmp_path / "flowers" / "reports").touch()
    record = a_record()
    with capfd.disabled():
        assert not try_to_report(a_material(record, tmp_path), tmp_path / "RunReport.log")
    assert (record.status, record.report) == ("pushed", None)
    assert record.warnings == [f"the report could not be made; log: {tmp_path / 'RunReport.log'}"]
    assert "FileExistsError" in (tmp_path / "RunReport.log").read_text()
