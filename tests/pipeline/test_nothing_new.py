from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.nothing_new import run_with_nothing_new
from pipeline.paths import Paths
from pipeline.progress import PlainProgress
from pipeline.record import RunRecord, new_run_id, read_records
from pipeline.retraining.due import last_complete
from schemas.loading import load_experiment
from tests.command_line import ROOT, Outcome, in_process
from tests.pipeline.projects import Project, make_project, write_records
from tests.places import touch
from tests.test_layout import HEAVY, TRACE

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def pushed(records: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Outcome]:
    """A project with a schema of its own that has run once, and that run."""
    project = make_project(tmp_path_factory.mktemp("project"), records[:300])
    schema = (ROOT / "schemas" / "digits.pbtxt").read_text()
    (project.directory / "own.pbtxt").write_text(schema)
    experiment = project.directory / "small.yaml"
    experiment.write_text(experiment.read_text() + "schema: {file: own.pbtxt}\n")
    outcome = project.run()
    assert outcome.exit_status == 0, outcome.output
    return project, outcome


def quick(project: Project, *overrides: str) -> RunRecord | None:
    """The record where nothing is to be done; such a record is taken away again."""
    experiment = load_experiment(str(project.directory / "small.yaml"), overrides)
    paths = Paths(project.directory / "workspace", "small")
    record = run_with_nothing_new(experiment, paths, PlainProgress(io.StringIO()), new_run_id(paths.runs))
    if record is not None:
        (paths.runs / record.run_id / "record.json").unlink()
        (paths.runs / record.run_id).rmdir()
    return record


def test_a_run_with_nothing_new_loads_no_tensorflow(pushed: tuple[Project, Outcome]) -> None:
    """The second run says so with the same object as the first, all nodes cached, exit status 0, all light."""
    project, first = pushed
    command = ["run", str(project.directory / "small.yaml"), "--workspace", str(project.directory / "workspace")]
    result = subprocess.run(
        [sys.executable, "-c", TRACE, *command, "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    told, traced = map(json.loads, result.stdout.splitlines())
    assert traced["status"] == 0
    assert not HEAVY & set(traced["loaded"])
    assert (told["status"], told["pushed_version"]) == ("unchanged", None)
    assert list(told) == list(first.json)
    cached = {"state": "cached", "seconds": 0.0, "attempts": 1}
    assert told["nodes"] == dict.fromkeys(first.json["nodes"], cached)
    same = ("metrics", "report", "sample", "serving_directory", "data", "training", "digest")
    assert {key: told[key] for key in same} == {key: first.json[key] for key in same}
    assert read_records(project.root / "runs")[-1].run_id == told["run_id"]


def test_it_takes_at_most_half_the_time_of_importing_tensorflow(pushed: tuple[Project, Outcome]) -> None:
    """Measured side by side, the better of two each."""
    project, _ = pushed
    workspace = ("--workspace", str(project.directory / "workspace"))
    run = [sys.executable, "local_runner.py", "run", str(project.directory / "small.yaml"), *workspace]
    seconds: dict[str, list[float]] = {"run": [], "import": []}
    for _ in range(2):
        for name, command in (("run", run), ("import", [sys.executable, "-c", "import tensorflow"])):
            began = time.monotonic()
            subprocess.run(command, cwd=ROOT, capture_output=True, check=True, timeout=120)
            seconds[name].append(time.monotonic() - began)
    assert min(seconds["run"]) <= min(seconds["import"]) / 2, seconds


@contextmanager
def rewritten(path: Path, text: bytes) -> Iterator[None]:
    before, times = path.read_bytes(), path.stat()
    path.write_bytes(text)
    yield
    path.write_bytes(before)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


@contextmanager
def moved(path: Path) -> Iterator[None]:
    path.rename(path.with_name(f"{path.name}.away"))
    yield
    path.with_name(f"{path.name}.away").rename(path)


@contextmanager
def another_version(project: Project) -> Iterator[None]:
    graph = project.root / "serving" / "9999999999" / "saved_model.pb"
    touch(graph.parent, graph.name)
    yield
    graph.unlink()
    graph.parent.rmdir()


def test_whatever_has_changed_is_looked_at(pushed: tuple[Project, Outcome]) -> None:
    """Data, a file that the experiment names, an artifact, the report, the version, ML Metadata: each is looked at."""
    project, first = pushed
    assert quick(project) is not None
    source, root = project.directory / "source" / "digits.tfrecord", project.root
    [statistics] = (root / "artifacts" / "StatisticsGen" / "statistics").iterdir()
    schema = project.directory / "own.pbtxt"
    changes = {
        "data": rewritten(source, source.read_bytes()),
        "schema": rewritten(schema, schema.read_bytes() + b"\n"),
        "metadata": rewritten(root / "metadata.db", (root / "metadata.db").read_bytes()),
        "artifact": moved(statistics),
        "report": moved(Path(first.json["report"])),
        "sample": moved(Path(first.json["sample"])),
        "servable": moved(root / "serving"),
        "live version": another_version(project),
    }
    for name, change in changes.items():
        with change:
            assert quick(project) is None, name
        assert quick(project) is not None, name
    assert quick(project, "training.epochs=2") is None


def test_the_run_before_must_be_complete_and_of_the_same_code(
    pushed: tuple[Project, Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a run that failed, or was accepted by a person, or with another library, the run itself finds out."""
    project, _ = pushed
    record = quick(project)
    assert record is not None
    runs = project.root / "runs"
    for name, other in (("failed", replace(record, basis=None)), ("other code", replace(record, conditions="0"))):
        other.write(runs)
        assert quick(project) is None, name
    record.write(runs)
    assert quick(project) is not None
    touch(project.directory / "library" / "tensorflow-99.0.dist-info", "METADATA")
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(project.directory / "library"))
    assert quick(project) is None


def test_weights_of_another_experiment_are_looked_at_and_the_run_is_complete(pushed: tuple[Project, Outcome]) -> None:
    """What another experiment has left is not known beforehand: no run is spared, but a scheduler knows its data."""
    project, _ = pushed
    file = project.directory / "other.yaml"
    file.write_text("extends: small.yaml\nname: other\nmodel: {weights: {experiment: small}}\n")
    workspace = project.directory / "workspace"
    outcome = in_process("run", str(file), "--workspace", str(workspace), "--json")
    assert outcome.json["status"] == "pushed", outcome.output
    paths = Paths(workspace, "other")
    last = last_complete(paths)
    assert last is not None
    assert (last.run_id, last.conditions) == (outcome.json["run_id"], None)
    progress = PlainProgress(io.StringIO())
    assert run_with_nothing_new(load_experiment(str(file)), paths, progress, new_run_id(paths.runs)) is None


def test_a_reason_given_by_a_person_is_a_full_run(pushed: tuple[Project, Outcome]) -> None:
    """--force-bless and --accept-data are looked at by the nodes themselves: the report is made anew."""
    project, _ = pushed
    assert project.run(force="looks good").states["RunReport"] == "executed"
    assert project.run(accept="just in case").states["RunReport"] == "executed"
    assert project.run().states["RunReport"] == "cached"


def test_new_data_is_trained_on(pushed: tuple[Project, Outcome], records: list[bytes]) -> None:
    """A file more, and the run is a whole one; the run after it has nothing to do again."""
    project, _ = pushed
    write_records(project.directory / "source" / "more.tfrecord", records[300:400])
    assert project.run().states["Trainer"] == "executed"
    assert project.run().states["RunReport"] == "cached"
