from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from kfp import components

from kubeflow.compile import main
from pipeline.nodes import RUN_REPORT

ROOT = Path(__file__).parents[2]
IMAGE = "registry.example/darkroom@sha256:" + "0" * 64
# What only TFX's own runners for Kubeflow write.
TFX_ONLY = ("resolver", "importer", "tfx_version", "_schema", "instanceSchema", "entrypoint_cli", "kfp_v2")


def compiled(tmp_path: Path, experiment: str, *options: str) -> Result:
    output = str(tmp_path / "pipeline.yaml")
    return CliRunner().invoke(main, [experiment, "--image", IMAGE, "--output", output, *options])


def documents(tmp_path: Path, experiment: str, *options: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The pipeline and what Kubernetes is told beside it."""
    result = compiled(tmp_path, experiment, *options)
    assert result.exit_code == 0, result.output
    pipeline, platform = yaml.safe_load_all((tmp_path / "pipeline.yaml").read_text())
    return pipeline, platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]


def containers(pipeline: dict[str, Any]) -> dict[str, dict[str, Any]]:
    executors = pipeline["deploymentSpec"]["executors"]
    return {name.removeprefix("exec-"): executor["container"] for name, executor in executors.items()}


@pytest.mark.parametrize("experiment", ["digits", "fashion_mnist"])
def test_kfp_takes_it(experiment: str, tmp_path: Path) -> None:
    """KFP's own loader accepts it; it is of the version that open-source KFP wants, and has nothing of TFX's own."""
    pipeline, _ = documents(tmp_path, experiment)
    loaded = components.load_component_from_file(str(tmp_path / "pipeline.yaml"))
    assert loaded.pipeline_spec.schema_version == "2.1.0"
    assert set(containers(pipeline)) == {"data", "training", "release", "report"}
    for executor in loaded.pipeline_spec.deployment_spec["executors"].values():
        assert list(executor) == ["container"]
        assert executor["container"]["image"] == IMAGE
        assert list(executor["container"]["command"]) == ["python", "-m", "kubeflow.node"]
    text = (tmp_path / "pipeline.yaml").read_text()
    assert not [word for word in TFX_ONLY if word in text]


def test_the_same_to_the_byte(tmp_path: Path) -> None:
    """Another process, with other hashes and with secrets in its environment, writes the same file without them."""
    compiled(tmp_path, "digits")
    first = (tmp_path / "pipeline.yaml").read_bytes()
    secret = "mysql://ann:not-to-be-seen@db:3306/metadata"
    command = [sys.executable, "-m", "kubeflow.compile", "digits", "--image", IMAGE]
    subprocess.run(
        [*command, "--output", str(tmp_path / "other.yaml")],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "PYTHONHASHSEED": "7", "DARKROOM_METADATA": secret, "HOME": str(tmp_path)},
        check=True,
        capture_output=True,
        timeout=300,
    )
    assert (tmp_path / "other.yaml").read_bytes() == first
    assert b"not-to-be-seen" not in first
    assert not list(tmp_path.glob(".*.yaml"))


def test_every_task_is_for_itself(tmp_path: Path) -> None:
    """Each has its retries and no cache of KFP's; they follow each other, and the report follows whatever happened."""
    pipeline, platform = documents(tmp_path, "digits", "--set", "kubeflow.tasks=node")
    body = pipeline["components"]["comp-exit-handler-1"]["dag"]["tasks"]
    before: list[str] = []
    order = [
        "image-example-gen",
        "import-schema-gen",
        "statistics-gen",
        "data-gate",
        "transform",
        "trainer",
        "evaluator",
        "canary",
        "pusher",
    ]
    assert sorted(body) == sorted(order)
    for name in order:
        assert body[name].get("dependentTasks", []) == before
        assert body[name]["cachingOptions"] == {}
        assert body[name]["retryPolicy"]["maxRetryCount"] == 2
        before = [name]
    report = pipeline["root"]["dag"]["tasks"]["report"]
    assert report["triggerPolicy"] == {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}
    assert report["dependentTasks"] == ["exit-handler-1"]
    outputs = pipeline["components"]["comp-report"]["outputDefinitions"]["artifacts"]
    kinds = {name: each["artifactType"]["schemaTitle"] for name, each in outputs.items()}
    assert kinds == {
        "report": "system.HTML",
        "metrics": "system.Metrics",
        "confusion_matrix": "system.ClassificationMetrics",
    }
    # A resolver goes with the node that asks for what it finds.
    arguments = containers(pipeline)["data-gate"]["args"]
    assert arguments[arguments.index("--nodes") + 1] == "LastData,DataGate"
    assert set(platform) == {f"exec-{name}" for name in [*order, "report"]}


def test_what_pods_get(tmp_path: Path) -> None:
    """What a node asks for is what its pod gets, and that alone parts it from its neighbours."""
    experiment = tmp_path / "e.yaml"
    experiment.write_text(
        """
extends: digits
name: asks_for_much
training: {warm_start: true}
kubeflow:
  cpu: 0.5
  environment: {TF_NUM_INTRAOP_THREADS: "2"}
  volumes: [{claim: shared, mount: /darkroom}, {claim: images, mount: /data}]
  secrets: [{name: store, environment: {DARKROOM_METADATA: url, AWS_SECRET_ACCESS_KEY: key, AWS_SESSION_TOKEN: key}}]
  nodes:
    Trainer:
      memory: 16Gi
      accelerator: {count: 2}
      node_selector: {disk: fast}
      tolerations: [{key: nvidia.com/gpu, effect: NoSchedule}]
      retries: {attempts: 5, backoff_seconds: 60}
      timeout_seconds: 7200
    StatisticsGen: {cpu: 2}
"""
    )
    pipeline, platform = documents(tmp_path, str(experiment))
    assert pipeline["pipelineInfo"]["name"] == "asks-for-much"
    nodes = {
        name: each["args"][each["args"].index("--nodes") + 1]
        for name, each in containers(pipeline).items()
        if name != "report"
    }
    assert nodes == {
        "data-to-import-schema-gen": "ImageExampleGen,ImportSchemaGen",
        "statistics-gen": "StatisticsGen",
        "data-to-transform": "LastData,DataGate,Transform",
        "training": "WarmStart,Trainer",
        "release": "Baseline,Evaluator,Canary,Pusher",
    }
    trainer = platform["exec-training"]
    assert trainer["nodeSelector"] == {"labels": {"disk": "fast"}}
    assert trainer["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]
    assert trainer["activeDeadlineSeconds"] == "7200"
    assert "nodeSelector" not in platform["exec-release"]
    assert [mount["mountPath"] for mount in trainer["pvcMount"]] == ["/darkroom", "/data"]
    secrets = trainer["secretAsEnv"]
    assert {each["secretName"] for each in secrets} == {"store"}
    assert {each["envVar"]: each["secretKey"] for secret in secrets for each in secret["keyToEnv"]} == {
        "DARKROOM_METADATA": "url",
        "AWS_SECRET_ACCESS_KEY": "key",
        "AWS_SESSION_TOKEN": "key",
    }
    retries = pipeline["components"]["comp-exit-handler-1"]["dag"]["tasks"]["training"]["retryPolicy"]
    assert retries == {
        "backoffDuration": "60s",
        "backoffFactor": 2.0,
        "backoffMaxDuration": f"{30 * 24 * 3600}s",
        "maxRetryCount": 4,
    }
    environment = {item["name"]: item["value"] for item in containers(pipeline)["training"]["env"]}
    assert environment == {"DARKROOM_IMAGE": IMAGE, "TF_NUM_INTRAOP_THREADS": "2"}
    resources = json.dumps(containers(pipeline)["training"]["resources"])
    assert re.search(r"nvidia\.com/gpu", resources)
    assert "17.17" in resources or "16Gi" in resources
    assert re.search(
        r'"(cpuRequest|resourceCpuRequest)": ("500m"|0\.5)', json.dumps(containers(pipeline)["release"]["resources"])
    )


def test_a_root_in_an_object_store(tmp_path: Path) -> None:
    """Pods mount nothing for it, and get the place as it is."""
    pipeline, platform = documents(tmp_path, "digits", "--set", "kubeflow.root=gs://bucket/darkroom")
    arguments = containers(pipeline)["training"]["args"]
    assert arguments[arguments.index("--root") + 1] == "gs://bucket/darkroom"
    assert "pvcMount" not in platform["exec-training"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (
            ["--set", "data.dataset=null", "--set", "data.source=/home/ann/images"],
            "data.source: /home/ann/images is a place of this machine",
        ),
        (
            ["--set", "kubeflow.root=/elsewhere"],
            "root /elsewhere is on none of the volumes, which are mounted at /darkroom",
        ),
        (
            ["--set", "kubeflow.root=s3://bucket/x", "--set", "beam.args=[--runner=FlinkRunner]"],
            "kubeflow.root: beam.args names a runner, whose workers do not see a pod's copy of an object store",
        ),
        (
            ["--set", f"kubeflow.nodes.{RUN_REPORT}.cpu=no"],
            "kubeflow.nodes.RunReport.cpu: got the text 'no'; expected a number",
        ),
        (["--output", "pipeline.json"], "expected a file that ends in .yaml"),
    ],
)
def test_what_cannot_be_compiled(options: list[str], told: str, tmp_path: Path) -> None:
    """Refused with the key and the way to mend it, before anything heavy is imported, and nothing is written."""
    result = compiled(tmp_path, "digits", *options)
    assert result.exit_code == 2
    assert told in result.output
    assert not list(tmp_path.iterdir())


def test_an_image_is_needed(tmp_path: Path) -> None:
    """None is made up."""
    result = CliRunner().invoke(main, ["digits", "--output", str(tmp_path / "pipeline.yaml")])
    assert result.exit_code == 2
    assert "kubeflow.image: none is given; name the container image" in result.output
