"""The compiled pipeline with its root in an object store: tasks share nothing else, each has a disk of its own."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner
from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2

from components.pusher.serving_directory import open_directory
from kubeflow.compile import main
from kubeflow.place import copy_of
from pipeline.metadata import server_connection
from pipeline.record import RunRecord, read_record
from tests.databases import Database, database
from tests.gcs import gcs_server
from tests.kubeflow.cluster_run import ClusterRun, wait_for
from tests.s3 import BUCKET, s3_server

pytestmark = pytest.mark.cluster

EXPERIMENT = """
extends: digits
training: {{epochs: 60, early_stopping: null}}
evaluation: {{thresholds: {{accuracy: {{min: 0.2}}, cross_entropy: {{max: 20.0}}}}}}
kubeflow:
  image: darkroom:tested
  root: {root}
  retries: {{attempts: 2, backoff_seconds: 0}}
"""


class Cluster(NamedTuple):
    """A bucket, a database and a compiled experiment."""

    directory: Path
    root: str
    bucket: Path
    server: Database
    copy: Path

    def run(self, run_id: str) -> ClusterRun:
        environment = {"DARKROOM_METADATA": self.server.url}
        own_disk = self.copy.parent
        return ClusterRun(
            self.directory / "pipeline.yaml", self.directory / "uploaded", run_id, environment, own_disk=own_disk
        )

    def record(self, run_id: str) -> RunRecord:
        found = read_record(self.bucket / "workspace" / self.copy.name / "runs", run_id)
        assert found is not None
        return found


@pytest.fixture(scope="module", params=["s3", "gs"])
def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The tests below follow each other in it."""
    directory = tmp_path_factory.mktemp("cluster")
    root = f"{request.param}://{BUCKET}/workspace"
    experiment, compiled = directory / "experiment.yaml", directory / "pipeline.yaml"
    experiment.write_text(EXPERIMENT.format(root=root))
    with pytest.MonkeyPatch.context() as monkeypatch:
        server = s3_server if request.param == "s3" else gcs_server
        with server(directory / "server", monkeypatch) as bucket, database("mysql") as metadata:
            result = CliRunner().invoke(main, [str(experiment), "--output", str(compiled)])
            assert result.exit_code == 0, result.output
            yield Cluster(directory, root, bucket, metadata, copy_of(root) / "digits")


def test_a_run_that_is_killed_goes_on_on_another_disk(cluster: Cluster) -> None:
    """Its training from the last checkpoint that was sent; it pushes into the bucket, and nothing is worked twice."""
    checkpoints = cluster.bucket / "workspace" / cluster.copy.name / "checkpoints"

    def disturb(task: str, number: int, process: subprocess.Popen[str]) -> None:
        if task == "training" and number == 0:
            wait_for(lambda: any(checkpoints.glob("*/epoch-*.tar")), process)
            process.kill()

    run = cluster.run("first")
    run.disturb = disturb
    assert run.execute() == "SUCCEEDED", run.attempts
    assert [(attempt.task, attempt.exit_status) for attempt in run.attempts] == [
        ("data", 0),
        ("training", -9),
        ("training", 0),
        ("release", 0),
        ("report", 0),
    ]
    record = cluster.record("first")
    assert record.status == "pushed"
    assert record.training["resumed_from_epoch"] >= 1
    assert {node.state for node in record.nodes.values()} == {"executed"}
    serving = open_directory(f"{cluster.root}/{cluster.copy.name}/serving")
    assert serving.versions() == [record.pushed_version]
    assert record.serving_directory == serving.location
    states = {each.last_known_state for each in MetadataStore(server_connection(cluster.server.url)).get_executions()}
    assert states == {metadata_store_pb2.Execution.COMPLETE}


def test_the_report_has_all_that_a_local_one_has(cluster: Cluster) -> None:
    """Its parts are made from artifacts that other tasks made; it lies beside the records, too."""
    page = (cluster.directory / "uploaded" / "first" / "report" / "report").read_text()
    assert page == (cluster.bucket / "workspace" / cluster.copy.name / "reports" / "first.html").read_text()
    assert not [warning for warning in cluster.record("first").warnings if "report lacks" in warning]
    for part in ("Learning curves", "Confusion matrix", "Worst mistakes", "Lineage"):
        assert part.lower() in page.lower(), part


def test_a_second_run_comes_from_the_cache(cluster: Cluster) -> None:
    """Also the embedded data set, which has the times that its fingerprint was taken with."""
    run = cluster.run("second")
    assert run.execute() == "SUCCEEDED", run.attempts
    record = cluster.record("second")
    states = {name: node.state for name, node in record.nodes.items()}
    assert states.pop("RunReport") == "executed"
    assert set(states.values()) == {"cached"}
    assert record.status == "unchanged"


def test_a_bucket_that_is_not_there_ends_a_task_with_its_reason(cluster: Cluster) -> None:
    """As the last line, without a stack trace."""
    compiled = cluster.directory / "pipeline.yaml"
    there = compiled.read_text()
    compiled.write_text(there.replace(cluster.root, cluster.root.replace(BUCKET, "no-such-bucket")))
    run = cluster.run("third")
    assert run.execute() == "FAILED"
    compiled.write_text(there)
    assert run.attempts[0].exit_status == 1
    last = run.attempts[0].log.splitlines()[-1]
    assert re.match(r"(\w+: )?(s3|gs)://no-such-bucket/workspace cannot be used: ", last)
    assert "Traceback" not in run.attempts[0].log
