from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from components.pusher.local_directory import LocalDirectory
from components.pusher.model_server import write_configuration
from kubeflow.serving.servable import ManifestError, Servable
from kubeflow.serving.settings import Settings
from kubeflow.serving.tensorflow_serving import arguments, tensorflow_serving
from schemas.push import ModelServer
from tests.kubeflow.serving.cluster import flags, objects, problems

Make = Callable[..., Servable]

PLAIN = ("push.directory=/models/digits",)
BATCHED = (*PLAIN, "push.model_server.batching.max_batch_size=8")
BARE = (*PLAIN, "push.model_server=null")
BUCKET = ("push.directory=gs://bucket/digits",)
NAMED = Settings(claim="models", sub_path="a/digits", namespace="vision", service_account="reader", replicas=3)


def by_kind(manifests: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {manifest["kind"]: manifest for manifest in manifests}


@pytest.mark.parametrize("settings", [Settings(), NAMED, Settings(storage="1Ti", storage_class="fast")])
@pytest.mark.parametrize("overrides", [PLAIN, BATCHED, BARE, BUCKET])
def test_kubernetes_takes_the_manifests(settings: Settings, overrides: tuple[str, ...], servable: Make) -> None:
    """Each manifest fits the schema of its kind."""
    made = tensorflow_serving(servable(*overrides), settings)
    assert [manifest["kind"] for manifest in made][-2:] == ["Deployment", "Service"]
    assert [problem for manifest in made for problem in problems(manifest)] == []


def test_a_typo_is_refused(servable: Make) -> None:
    """A key misspelt in any object of known keys, and a value of another type, do not fit the schema."""
    for manifest in tensorflow_serving(servable(*PLAIN), Settings()):
        closed = list(objects(manifest, closed=True))
        assert len(closed) > 3
        for item in closed:
            item["repplicas"] = 1
            assert any("'repplicas' was unexpected" in problem for problem in problems(manifest)), item
            del item["repplicas"]
        assert problems(manifest) == []
    deployment = by_kind(tensorflow_serving(servable(*PLAIN), Settings()))["Deployment"]
    deployment["spec"]["replicas"] = "1"
    assert problems(deployment) == ["spec.replicas: '1' is not of type 'integer'"]


def test_names_within_the_manifests_meet(servable: Make) -> None:
    """The selectors find the pods; probes and service name ports of the container; mounts name volumes."""
    made = by_kind(tensorflow_serving(servable(*BATCHED), NAMED))
    pod = made["Deployment"]["spec"]["template"]
    [container] = pod["spec"]["containers"]
    labels = pod["metadata"]["labels"].items()
    assert made["Service"]["spec"]["selector"].items() <= labels
    assert made["Deployment"]["spec"]["selector"]["matchLabels"].items() <= labels
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"grpc": 8500, "rest": 8501}
    assert {port["targetPort"]: port["port"] for port in made["Service"]["spec"]["ports"]} == ports
    probes = [container[f"{kind}Probe"] for kind in ("startup", "readiness", "liveness")]
    assert {(probe.get("httpGet") or probe["tcpSocket"])["port"] for probe in probes} <= ports.keys()
    assert {mount["name"] for mount in container["volumeMounts"]} == {item["name"] for item in pod["spec"]["volumes"]}
    assert {manifest["metadata"]["namespace"] for manifest in made.values()} == {"vision"}


@pytest.mark.parametrize("overrides", [PLAIN, BATCHED, BARE, BUCKET])
def test_the_server_knows_its_flags(overrides: tuple[str, ...], servable: Make) -> None:
    """Every argument is a flag of tensorflow_model_server, stated once."""
    names = [argument.removeprefix("--").partition("=")[0] for argument in arguments(servable(*overrides))]
    assert set(names) <= flags()
    assert len(names) == len(set(names))


def test_the_server_reads_what_the_pusher_wrote(servable: Make, tmp_path: Path) -> None:
    """models.config and batching.config are at their arguments' paths, and base_path is where the claim is mounted."""
    made = servable("push.model_server.base_path=/served/digits", "push.model_server.batching.max_batch_size=8")
    written = LocalDirectory(tmp_path / "pushed")
    written.path.mkdir()
    server = ModelServer.model_validate({"base_path": "/served/digits", "batching": {"max_batch_size": 8}})
    write_configuration(written, server, "digits", [1, 2])
    container = by_kind(tensorflow_serving(made, NAMED))["Deployment"]["spec"]["template"]["spec"]["containers"][0]
    [mount] = [mount for mount in container["volumeMounts"] if mount["name"] == "versions"]
    named = [argument.partition("=")[2] for argument in container["args"] if "_file=" in argument]
    assert sorted(named) == sorted(f"{mount['mountPath']}/{path.name}" for path in written.path.iterdir())
    text = (written.path / "models.config").read_text()
    config = text_format.Parse(text, model_server_config_pb2.ModelServerConfig())
    [model] = config.model_config_list.config
    assert model.base_path == mount["mountPath"]
    assert container["readinessProbe"]["httpGet"]["path"] == f"/v1/models/{model.name}/metadata"


def test_without_a_configuration_the_versions_are_named(servable: Make) -> None:
    """push.model_server: null writes no models.config, so the server is told the model and its path."""
    assert arguments(servable(*BARE))[2:] == ["--model_name=digits", "--model_base_path=/models/digits"]


def test_the_server_can_do_no_more_than_it_must(servable: Make) -> None:
    """A numeric user that is not root, no capability, nothing to write but /tmp, versions read-only."""
    pod = by_kind(tensorflow_serving(servable(*PLAIN), Settings()))["Deployment"]["spec"]["template"]["spec"]
    [container] = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] > 0
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert [mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")] == ["/tmp"]
    assert container["resources"]["requests"] == {"cpu": "1", "memory": "2Gi"}


def test_a_claim_is_made_where_none_is_named(servable: Make) -> None:
    """Pushes and servers share it; one that is there is only named, and an object store needs none."""
    made = tensorflow_serving(servable(*PLAIN), Settings(storage="1Ti", storage_class="fast"))
    assert made[0]["spec"] == {
        "accessModes": ["ReadWriteMany"],
        "resources": {"requests": {"storage": "1Ti"}},
        "storageClassName": "fast",
    }
    claims = [item["claimName"] for item in objects(made[1]) if "claimName" in item]
    assert claims == [made[0]["metadata"]["name"]] == ["digits-versions"]
    named = tensorflow_serving(servable(*PLAIN), NAMED)
    assert [item["claimName"] for item in objects(named) if "claimName" in item] == ["models"]
    assert [item["subPath"] for item in objects(named) if "subPath" in item] == ["a/digits"]
    bucket = tensorflow_serving(servable(*BUCKET), NAMED)
    for manifests in (named, bucket):
        assert [manifest["kind"] for manifest in manifests] == ["Deployment", "Service"]
    assert not [item for item in objects(bucket) if "claimName" in item]


def test_s3_is_refused(servable: Make) -> None:
    """The server has no s3:// any more: what serves it instead is named."""
    with pytest.raises(ManifestError, match=r"TensorFlow Serving reads no s3://.* take --kind kserve"):
        tensorflow_serving(servable("push.directory=s3://bucket/digits"), Settings())
