"""The compiled pipeline, task by task in processes of their own, with ML Metadata on real database servers."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

import pytest
from click.testing import CliRunner
from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2

from kubeflow.compile import main
from pipeline.metadata import server_connection
from pipeline.record import RunRecord, read_record
from tests.command_line import in_process
from tests.databases import PASSWORD, Database, database
from tests.kubeflow.cluster_run import ClusterRun, wait_for
from tests.pipeline.projects import inverted, write_records

pytestmark = pytest.mark.cluster

Execution: TypeAlias = metadata_store_pb2.Execution

AWAY_SECONDS = 20
EXPERIMENT = """
extends: digits
name: spans
data: {{dataset: null, source: "{directory}/data/span-{{SPAN}}"}}
training: {{epochs: 6, early_stopping: null, warm_start: true}}
evaluation: {{thresholds: {{accuracy: {{min: 0.2}}, cross_entropy: {{max: 20.0}}}}}}
gate: {{drift: fail, max_drift: 0.3}}
kubeflow:
  image: darkroom:tested
  root: {directory}/root
  volumes: [{{claim: shared, mount: "{directory}"}}]
  retries: {{attempts: 3, backoff_seconds: 0}}
"""


class Cluster:
    """A shared volume, a database, and a compiled experiment."""

    def __init__(self, directory: Path, server: Database) -> None:
        self.directory = directory
        self.server = server
        self.runs = directory / "root" / "spans" / "runs"
        self.serving = directory / "root" / "spans" / "serving"
        (directory / "experiment.yaml").write_text(EXPERIMENT.format(directory=directory))

    def compile(self, *options: str) -> Path:
        output = self.directory / "pipeline.yaml"
        result = CliRunner().invoke(main, [str(self.directory / "experiment.yaml"), "--output", str(output), *options])
        assert result.exit_code == 0, result.output
        return output

    def run(self, run_id: str) -> ClusterRun:
        environment = {"DARKROOM_METADATA": self.server.url}
        return ClusterRun(self.directory / "pipeline.yaml", self.directory / "uploaded", run_id, environment)

    def record(self, run_id: str) -> RunRecord:
        record = read_record(self.runs, run_id)
        assert record is not None
        return record

    def states(self, run_id: str) -> dict[str, str]:
        return {name: node.state for name, node in self.record(run_id).nodes.items()}

    def add_span(self, span: int, records: list[bytes]) -> None:
        place = self.directory / "data" / f"span-{span}"
        place.mkdir(parents=True)
        write_records(place / "digits.tfrecord", records)

    def executions(self) -> list[Execution]:
        return list(MetadataStore(server_connection(self.server.url)).get_executions())


@pytest.fixture(scope="module", params=["mysql", "postgresql"])
def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The tests below follow each other in it."""
    with database(request.param) as server:
        yield Cluster(tmp_path_factory.mktemp("cluster"), server)


def test_a_run_survives_a_database_that_is_away_and_a_kill(cluster: Cluster, records: list[bytes]) -> None:
    """It waits for the database, goes on after SIGKILL, does nothing twice, and comes to what a local run comes to."""
    cluster.add_span(1, records[:300])
    cluster.compile()
    local = in_process(
        "run", str(cluster.directory / "experiment.yaml"), "--workspace", str(cluster.directory / "local"), "--json"
    )
    assert local.exit_status == 0
    disturbances: list[threading.Thread] = []

    def disturb(task: str, number: int, process: subprocess.Popen[str]) -> None:
        if task == "data":
            wait_for(lambda: is_done("ImageExampleGen"), process)
            cluster.server.stop()
            disturbances.append(threading.Timer(AWAY_SECONDS, cluster.server.start))
            disturbances[0].start()
        if task == "training" and number == 0:
            wait_for(lambda: "epoch 3/6" in log("Trainer"), process)
            process.kill()

    def is_done(node: str) -> bool:
        record = read_record(cluster.runs, "first")
        return record is not None and node in record.nodes and record.nodes[node].state == "executed"

    def log(node: str) -> str:
        path = cluster.runs / "first" / f"{node}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    run = cluster.run("first")
    run.disturb = disturb
    began = time.monotonic()
    assert run.execute() == "SUCCEEDED", run.attempts
    assert time.monotonic() - began > AWAY_SECONDS
    disturbances[0].join()
    assert [(attempt.task, attempt.exit_status) for attempt in run.attempts] == [
        ("data", 0),
        ("training", -9),
        ("training", 0),
        ("release", 0),
        ("report", 0),
    ]
    record = cluster.record("first")
    assert record.status == "pushed"
    assert record.image == "darkroom:tested"
    assert record.nodes["Trainer"].attempts == 2
    assert set(cluster.states("first").values()) == {"executed"}
    assert record.metrics == pytest.approx(local.json["metrics"])
    assert [path.name for path in cluster.serving.glob("[0-9]*")] == [str(record.pushed_version)]
    # One execution a node; the one that was cut is the one that ended.
    assert {execution.last_known_state for execution in cluster.executions()} == {Execution.COMPLETE}
    assert set(Counter(execution.type_id for execution in cluster.executions()).values()) <= {1, 3}
    assert all(PASSWORD not in attempt.log for attempt in run.attempts)
    kept = [path.read_bytes() for path in (cluster.directory / "root").rglob("*") if path.is_file()]
    assert not [content for content in kept if PASSWORD.encode() in content or b"p%40ss" in content]


def test_what_kfp_shows(cluster: Cluster) -> None:
    """The report, the metrics and the confusion matrix are where the launcher looks for them."""
    directory = cluster.directory / "uploaded" / "first" / "report"
    page = (directory / "report").read_text()
    assert page.startswith("<!DOCTYPE html>")
    assert "Pushed as version" in page
    [output] = directory.glob("executor_output.json")
    artifacts = json.loads(output.read_text())["artifacts"]
    metrics = artifacts["metrics"]["artifacts"][0]["metadata"]
    record = cluster.record("first")
    assert metrics["accuracy"] == record.metrics["accuracy"]
    assert metrics["status"] == "pushed"
    matrix = artifacts["confusion_matrix"]["artifacts"][0]["metadata"]["confusionMatrix"]
    assert [each["displayName"] for each in matrix["annotationSpecs"]] == [str(digit) for digit in range(10)]
    assert sum(sum(row["row"]) for row in matrix["rows"]) == record.metrics["example_count"]


def test_a_second_run_comes_from_the_cache(cluster: Cluster) -> None:
    """ML Metadata knows that nothing has changed. A report that is killed at its start leaves the run as it ended."""

    def disturb(task: str, number: int, process: subprocess.Popen[str]) -> None:
        if task == "report" and number == 0:
            wait_for(lambda: is_loading(process), process)
            process.kill()

    def is_loading(process: subprocess.Popen[str]) -> bool:
        with suppress(OSError):
            return os.readlink(f"/proc/{process.pid}/fd/1") == str(cluster.runs / "second" / "loading.log")
        return False

    run = cluster.run("second")
    run.disturb = disturb
    assert run.execute() == "SUCCEEDED", run.attempts
    assert [(attempt.task, attempt.exit_status) for attempt in run.attempts[-2:]] == [("report", -9), ("report", 0)]
    states = cluster.states("second")
    assert states.pop("RunReport") == "executed"
    assert set(states.values()) == {"cached"}
    assert cluster.record("second").status == "unchanged"
    assert len(list(cluster.serving.glob("[0-9]*"))) == 1


def test_a_new_span_finds_what_was_before(cluster: Cluster, records: list[bytes]) -> None:
    """The first run's model is where the training starts and what the new one is compared with; drift is looked for."""
    cluster.add_span(2, records[150:450])
    run = cluster.run("third")
    assert run.execute() == "SUCCEEDED", run.attempts
    record = cluster.record("third")
    assert record.status == "pushed"
    assert record.training["initial_weights"].startswith("all of ")
    first = cluster.record("first")
    assert first.basis is not None
    assert record.champion is not None
    assert [record.champion["model"]] == first.basis["artifacts"]["model"]
    assert first.data is not None
    assert record.data is not None
    assert (first.data["span"], record.data["span"]) == (1, 2)


def test_an_older_span_can_be_asked_for(cluster: Cluster) -> None:
    """As a parameter of the run; any value of the experiment can be given too."""
    run = cluster.run("fourth")
    assert run.execute(last_span="1", settings=["training.epochs=0"]) == "FAILED"
    assert run.attempts[0].exit_status == 2
    assert run.attempts[0].log.splitlines()[-1].startswith("invalid: --set training.epochs=0: training.epochs: got")
    again = cluster.run("fifth")
    assert again.execute(last_span="1") == "SUCCEEDED", again.attempts
    record = cluster.record("fifth")
    assert record.data is not None
    assert record.data["span"] == 1


def test_drift_stops_the_run_and_is_not_worked_again(cluster: Cluster, records: list[bytes]) -> None:
    """Exit status 3 with the reason as the last line; KFP's retries find the verdict, nothing after it is worked on."""
    cluster.add_span(3, [inverted(record) for record in records[:300]])
    run = cluster.run("sixth")
    assert run.execute() == "FAILED"
    assert [(attempt.task, attempt.exit_status) for attempt in run.attempts] == [("data", 3)] * 3 + [("report", 0)]
    last = run.attempts[0].log.splitlines()[-1]
    assert last.startswith("stopped_by_gate: the data gate stopped the run:")
    assert "drift" in last
    states = cluster.states("sixth")
    assert states["DataGate"] == "executed"
    assert {states[node] for node in ("Transform", "Trainer", "Pusher")} == {"skipped"}
    assert cluster.record("sixth").nodes["DataGate"].attempts == 1
    page = (cluster.directory / "uploaded" / "sixth" / "report" / "report").read_text()
    assert "Stopped at DataGate" in page


def test_data_that_is_not_there_is_the_reason(cluster: Cluster) -> None:
    """Exit status 2; the report has it, too."""
    run = cluster.run("seventh")
    assert run.execute(data_source=f"{cluster.directory}/none/span-{{SPAN}}") == "FAILED"
    assert [(attempt.task, attempt.exit_status) for attempt in run.attempts] == [("data", 2)] * 3 + [("report", 0)]
    record = cluster.record("seventh")
    assert record.status == "invalid"
    assert f"{cluster.directory}/none" in str(record.message)
    page = (cluster.directory / "uploaded" / "seventh" / "report" / "report").read_text()
    assert "Not begun: the experiment is wrong" in page
    assert "cut off" not in page


def test_a_database_that_refuses_is_the_reason(cluster: Cluster) -> None:
    """The run ends with what the first task met, and not as one whose process died."""
    run = cluster.run("eighth")
    run.environment = {"DARKROOM_METADATA": cluster.server.url.replace("p%40ss", "wrong")}
    assert run.execute() == "FAILED"
    assert run.attempts[0].exit_status == 1
    assert "cannot be used: it refuses" in run.attempts[0].log.splitlines()[-1]
    record = cluster.record("eighth")
    assert record.status == "failed"
    assert str(record.message).startswith("loading: the database ")
    assert "cannot be used: it refuses" in str(record.message)


def test_a_task_that_is_killed_for_good(cluster: Cluster) -> None:
    """With no attempt left the report ends what it has left: the execution is failed, its outputs are gone."""
    cluster.compile("--set", "kubeflow.retries.attempts=1")

    def disturb(task: str, number: int, process: subprocess.Popen[str]) -> None:
        if task == "training":
            log = cluster.runs / "ninth" / "Trainer.log"
            wait_for(lambda: log.exists() and "epoch 2/7" in log.read_text(errors="replace"), process)
            process.kill()

    run = cluster.run("ninth")
    run.disturb = disturb
    assert run.execute(last_span="2", settings=["training.epochs=7"]) == "FAILED"
    assert [(attempt.task, attempt.exit_status) for attempt in run.attempts] == [
        ("data", 0),
        ("training", -9),
        ("report", 0),
    ]
    record = cluster.record("ninth")
    assert (record.status, record.nodes["Trainer"].state) == ("failed", "failed")
    assert str(record.message).startswith("Trainer: cut off, ")
    failed = [execution.id for execution in cluster.executions() if execution.last_known_state == Execution.FAILED]
    [cut] = failed
    assert not list((cluster.directory / "root" / "spans" / "artifacts").glob(f"*/*/{cut}"))


def test_nobody_is_left_running(cluster: Cluster) -> None:
    """After all that."""
    unfinished = [execution for execution in cluster.executions() if execution.last_known_state in (1, 2)]
    assert not unfinished
