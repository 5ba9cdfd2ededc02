"""What `gc` removes of a workspace in which much has happened, and what it leaves to the next runs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2

from pipeline.garbage import removal
from pipeline.paths import Paths
from pipeline.record import RunRecord
from pipeline.workspace_lock import workspace_lock
from tests.bookkeeping import assert_nothing_is_left_half_done, store_at
from tests.command_line import ROOT, Outcome
from tests.pipeline.projects import Project, make_project, with_broken, write_records
from tests.test_layout import TRACE

pytestmark = pytest.mark.long

SETTINGS = (
    "push.keep=1",
    "push.grace_seconds=0",
    "gate.drift=warn",
    "gate.anomalies=warn",
    "canary.enabled=false",
    "evaluation.thresholds.accuracy={min: 0.0, max_drop: null}",
)
NEVER_BLESSED = "evaluation.thresholds.accuracy={min: 0.9999, max_drop: null}"


class Lived(NamedTuple):
    """A project after six runs, and how they ended."""

    project: Project
    runs: list[Outcome]

    @property
    def store(self) -> MetadataStore:
        return store_at(self.project.root / "metadata.db")

    def gc(self, *options: str) -> Outcome:
        return self.project.command("gc", "--set", "push.keep=1", *options, "--json")


def given(store: MetadataStore, run_id: str, key: str) -> list[int]:
    """Ids of the artifacts that stages of a run were given as this input."""
    context = store.get_context_by_type_and_name("pipeline_run", run_id)
    executions = [execution.id for execution in store.get_executions_by_context(context.id)]
    events = store.get_events_by_execution_ids(executions)
    inputs = [event for event in events if event.type == metadata_store_pb2.Event.INPUT]
    return [event.artifact_id for event in inputs if event.path.steps[0].key == key]


def source(project: Project) -> Path:
    return project.directory / "source" / "digits.tfrecord"


@pytest.fixture(scope="module")
def lived(records: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> Lived:
    """Three states of the source that were pushed, a quarantine that stopped a run, a model not blessed, no change."""
    project = make_project(tmp_path_factory.mktemp("lived"), records[:150])
    runs = [project.run(*SETTINGS)]
    write_records(source(project), with_broken(records[:150], "image/encoded", b"no image"))
    runs.append(project.run(*SETTINGS))
    for stop in (250, 350):
        write_records(source(project), records[100:stop])
        runs.append(project.run(*SETTINGS))
    write_records(source(project), records[150:])
    runs.append(project.run(*SETTINGS, NEVER_BLESSED))
    runs.append(project.run(*SETTINGS, NEVER_BLESSED))
    assert [run.json["status"] for run in runs] == [
        "pushed",
        "stopped_by_gate",
        "pushed",
        "pushed",
        "not_blessed",
        "not_blessed",
    ]
    return Lived(project, runs)


def tree(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*")} - {".lock"}


def test_without_delete_nothing_changes(lived: Lived) -> None:
    """What would go is counted by kind, and all stays; the lock is free again."""
    before = tree(lived.project.root)
    outcome = lived.gc("--keep", "1")
    assert outcome.exit_status == 0, outcome.errors
    found = outcome.json
    assert found["status"] == "found"
    assert tree(lived.project.root) == before
    assert {kind for kind, counted in found["removed"].items() if counted["count"]} == {
        "artifacts",
        "temporary files",
        "runs",
        "logs of older runs",
        "reports",
        "checkpoints",
        "quarantine",
    }
    assert found["bytes"] == sum(counted["bytes"] for counted in found["removed"].values()) > 1e6
    assert found["kept"]["runs"]["kept runs"]["count"] == 1


def test_looking_loads_no_tensorflow(lived: Lived) -> None:
    """gc reads ML Metadata alone, and answers without the seconds that TensorFlow and TFX take to load."""
    workspace = ("--workspace", str(lived.project.directory / "workspace"))
    command = [sys.executable, "-c", TRACE, "gc", str(lived.project.directory / "small.yaml"), *workspace]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=120)
    outcome = json.loads(result.stdout.splitlines()[-1])
    assert outcome["status"] == 0, result.stdout + result.stderr
    assert "ml_metadata" in outcome["loaded"]
    assert not {"tensorflow", "tfx", "keras"} & set(outcome["loaded"])


def test_a_run_under_way_is_left_alone(lived: Lived) -> None:
    """While another holds the workspace, gc says who, ends with 1 and removes nothing."""
    before = tree(lived.project.root)
    with workspace_lock(Paths(lived.project.directory / "workspace", "small"), "run small") as holder:
        outcome = lived.gc("--keep", "1", "--delete")
        assert holder.describe() in outcome.errors
    assert outcome.exit_status == 1
    assert tree(lived.project.root) == before


def test_what_the_next_runs_need_stays(lived: Lived, records: list[bytes]) -> None:
    """After a removal, no change comes from the cache; other data meets the last data that passed and the champion.

    The kept run's report and record are there, the served version and its record, and of the others nothing.
    """
    project, store = lived.project, lived.store
    pushed, last = lived.runs[3].json, lived.runs[-1].json
    [blessed] = given(store, pushed["run_id"], "model")[:1]
    outcome = lived.gc("--keep", "1", "--delete")
    assert outcome.exit_status == 0, outcome.errors
    assert outcome.json["status"] == "removed"
    assert_nothing_is_left_half_done(project.root)
    assert {path.name for path in (project.root / "runs").iterdir()} == {pushed["run_id"], last["run_id"]}
    assert [path.name for path in (project.root / "runs" / pushed["run_id"]).iterdir()] == ["record.json"]
    assert Path(last["report"]).is_file()
    assert project.versions() == [str(pushed["pushed_version"])]
    assert not list((project.root / "quarantine").iterdir())
    assert lived.gc("--keep", "1").json["bytes"] == 0

    again = project.run(*SETTINGS, NEVER_BLESSED)
    assert again.json["status"] == "not_blessed"
    assert again.states == {**lived.runs[-1].states, "Evaluator": "cached"}
    passed = given(store, last["run_id"], "statistics")[0]
    # What the first run was over; its examples are gone.
    write_records(source(project), records[:150])
    fresh = project.run(*SETTINGS)
    assert fresh.states["ImageExampleGen"] == "executed"
    assert fresh.json["status"] == "pushed", fresh.output
    assert given(store, fresh.json["run_id"], "previous_statistics") == [passed]
    assert given(store, fresh.json["run_id"], "baseline_model") == [blessed]


def test_a_removal_that_is_killed_is_finished_by_the_next(lived: Lived, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed between ML Metadata and the files: nothing gets what is gone, and the next one removes the rest."""

    def die(item: object) -> str | None:
        raise SystemExit(137)

    monkeypatch.setattr(removal, "_remove", die)
    assert lived.gc("--keep", "1", "--delete").exit_status == 137
    monkeypatch.undo()
    found = lived.gc("--keep", "1").json
    assert found["removed"]["artifacts"]["count"] == 0
    assert found["removed"]["lost artifacts"]["count"] > 0
    assert lived.gc("--keep", "1", "--delete").json["status"] == "removed"
    assert_nothing_is_left_half_done(lived.project.root)
    outcome = lived.project.run(*SETTINGS)
    assert outcome.json["status"] == "unchanged", outcome.output
    assert set(outcome.states.values()) == {"cached", "executed"}
    assert outcome.states["Trainer"] == "cached"


def test_a_workspace_without_runs_has_nothing_to_remove(tmp_path: Path) -> None:
    """Before the first run gc says so, and makes nothing."""
    project = make_project(tmp_path, [])
    outcome = project.command("gc")
    assert outcome.exit_status == 0
    assert "small has not run yet in" in outcome.errors
    assert not project.root.exists()


def test_a_workspace_of_kubeflow_is_left_as_it_is(tmp_path: Path) -> None:
    """Its ML Metadata is in a database that gc does not ask; that is told, rather than that nothing has run."""
    project = make_project(tmp_path, [])
    RunRecord("a0b1", "small", "", "").write(project.root / "runs")
    outcome = project.command("gc", "--keep", "1", "--delete")
    assert outcome.exit_status == 0
    assert "has no ML Metadata of its own, as on Kubeflow" in outcome.errors
    assert (project.root / "runs" / "a0b1" / "record.json").exists()
