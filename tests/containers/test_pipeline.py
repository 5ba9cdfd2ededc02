"""The compiled pipeline in real containers, run by KFP's own local runner."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from pipeline.metadata import PatientMetadata, server_connection
from pipeline.record import CACHED, EXECUTED, PUSHED, UNCHANGED, RunRecord, read_records
from schemas.kubeflow import METADATA_VARIABLE
from tests.containers.building import ROOT, Image
from tests.containers.podman import HOST, Podman
from tests.databases import Database, database
from tests.s3 import BUCKET, S3_VARIABLES, s3_server

_COMPILE_SECONDS = 300
_RUN_SECONDS = 1200


class Cluster(NamedTuple):
    """What the containers of all runs share."""

    compiled: Path
    workspace: Path
    """On this machine; the containers find it at `kubeflow.root`."""
    outputs: Path
    metadata: Database
    environment: dict[str, str]
    """With DOCKER_HOST."""

    def run(self) -> tuple[RunRecord, str]:
        """Runs the pipeline; its record, and what the tasks printed."""
        done = subprocess.run(
            [sys.executable, "-m", "tests.containers.local_run", str(self.compiled), str(self.outputs)],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=_RUN_SECONDS,
        )
        assert done.returncode == 0, done.stdout[-8000:]
        return read_records(self.workspace / "digits" / "runs")[-1], done.stdout


@contextmanager
def _cluster(
    podman: Podman, image: Image, directory: Path, root: str, environment: Mapping[str, str], bucket: Path | None = None
) -> Iterator[Cluster]:
    """The experiment `digits`, compiled for the image; a volume or a bucket, and a database for its containers."""
    for above in (directory, *directory.parents[:2]):
        above.chmod(0o755)
    compiled, volume, outputs = directory / "pipeline.yaml", directory / "volume", directory / "outputs"
    for place in (volume, outputs):
        place.mkdir()
        place.chmod(0o777)
    command = [sys.executable, "-m", "kubeflow.compile", "digits", "--image", image.name, "--output", str(compiled)]
    subprocess.run([*command, "--set", f"kubeflow.root={root}"], cwd=ROOT, check=True, timeout=_COMPILE_SECONDS)
    with database("mysql", listen="0.0.0.0") as metadata:
        secret = {METADATA_VARIABLE: metadata.url, **environment}
        stated = {name: value.replace("127.0.0.1", HOST) for name, value in secret.items()}
        mounted = {} if bucket else {root: str(volume)}
        with podman.socket({**_environment(compiled), **stated}, mounted) as address:
            workspace = bucket / "workspace" if bucket else volume
            yield Cluster(compiled, workspace, outputs, metadata, {**os.environ, "DOCKER_HOST": address})
        own = podman("ps", "--all", "--quiet", "--filter", f"ancestor={image.name}").split()
        if own:
            podman("rm", "--force", "--volumes", *own)


@pytest.fixture
def cluster(podman: Podman, image: Image, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """With a volume."""
    with _cluster(podman, image, tmp_path_factory.mktemp("cluster"), "/darkroom", {}) as made:
        yield made


@pytest.fixture
def cluster_without_volume(
    podman: Podman, image: Image, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Cluster]:
    """With a bucket of a real S3 server."""
    directory = tmp_path_factory.mktemp("cluster")
    with s3_server(directory / "s3", monkeypatch, listen="0.0.0.0") as bucket:
        environment = {name: os.environ[name] for name in S3_VARIABLES}
        with _cluster(podman, image, directory, f"s3://{BUCKET}/workspace", environment, bucket) as made:
            yield made


def test_it_ends_pushed_and_then_finds_nothing_new(cluster: Cluster, image: Image) -> None:
    """Tasks in containers share a volume and a database, and no more; the second run takes all from the first."""
    record, log = cluster.run()
    assert record.status == PUSHED, log[-8000:]
    assert record.image == image.name
    assert {record.nodes[node].state for node in ("ImageExampleGen", "Trainer", "Canary", "Pusher")} == {EXECUTED}
    assert record.metrics["accuracy"] > 0.95
    served = cluster.workspace / "digits" / "serving" / str(record.pushed_version)
    assert (served / "saved_model.pb").is_file()
    assert "<html" in (cluster.workspace / "digits" / "reports" / f"{record.run_id}.html").read_text().lower()
    shown = [json.loads(path.read_text()) for path in cluster.outputs.rglob("executor_output.json")]
    assert [page["artifacts"]["metrics"]["artifacts"][0]["metadata"]["status"] for page in shown] == [PUSHED]
    with PatientMetadata(server_connection(cluster.metadata.url)) as metadata:
        [trainer] = [each.name for each in metadata.store.get_execution_types() if each.name.endswith("Trainer")]
        assert len(metadata.store.get_executions_by_type(trainer)) == 1
    assert not (cluster.workspace / "digits" / "metadata.db").exists()

    again, log = cluster.run()
    assert again.status == UNCHANGED, log[-8000:]
    assert again.run_id != record.run_id
    assert {again.nodes[node].state for node in ("ImageExampleGen", "Trainer", "Evaluator")} == {CACHED}
    assert [entry.name for entry in served.parent.iterdir() if entry.name.isdigit()] == [str(record.pushed_version)]


def test_a_bucket_is_workspace_enough(cluster_without_volume: Cluster) -> None:
    """Containers that share no disk end pushed, too: into the bucket, where the records and the report are."""
    record, log = cluster_without_volume.run()
    assert record.status == PUSHED, log[-8000:]
    place = cluster_without_volume.workspace / "digits"
    assert (place / "serving" / str(record.pushed_version) / "saved_model.pb").is_file()
    assert (place / "reports" / f"{record.run_id}.html").is_file()
    assert list((place / "artifacts" / "Trainer" / "model").glob("*.tar"))


def _environment(compiled: Path) -> dict[str, str]:
    """What the compiled file states of the tasks' environment, which KFP's local runner leaves out."""
    spec: dict[str, Any] = next(iter(yaml.safe_load_all(compiled.read_text())))
    found: dict[str, str] = {}
    for executor in spec["deploymentSpec"]["executors"].values():
        found.update({each["name"]: each["value"] for each in executor["container"].get("env", [])})
    return found
