from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kubeflow.serving.kserve import kserve
from kubeflow.serving.servable import Servable
from kubeflow.serving.settings import Settings
from tests.kubeflow.serving.cluster import flags, objects, problems

Make = Callable[..., Servable]

NAMED = Settings(claim="models", sub_path="a/digits", namespace="vision", service_account="reader", replicas=2)


def model(servable: Servable, settings: Settings) -> Any:
    return kserve(servable, settings)[-1]["spec"]["predictor"]["model"]


@pytest.mark.parametrize("settings", [Settings(), NAMED])
@pytest.mark.parametrize(
    "overrides",
    [("push.directory=/m",), ("push.directory=s3://b/m",), ("push.model_server.batching.max_batch_size=8",)],
)
def test_kserve_takes_the_manifests(settings: Settings, overrides: tuple[str, ...], servable: Make) -> None:
    """Each manifest fits the schema of its kind."""
    made = kserve(servable(*overrides), settings)
    assert made[-1]["kind"] == "InferenceService"
    assert [problem for manifest in made for problem in problems(manifest)] == []


def test_a_typo_is_refused(servable: Make) -> None:
    """A key misspelt in any object of known keys does not fit the schema; nor does one of another type."""
    [manifest] = kserve(servable("push.directory=s3://b/m"), NAMED)
    closed = list(objects(manifest, closed=True))
    assert len(closed) == 7
    for item in closed:
        item["storageURI"] = "x"
        assert any("'storageURI' was unexpected" in problem for problem in problems(manifest)), item
        del item["storageURI"]
    manifest["spec"]["predictor"]["minReplicas"] = "1"
    assert problems(manifest) == ["spec.predictor.minReplicas: '1' is not of type 'integer'"]


def test_versions_are_found(servable: Make) -> None:
    """storageUri is the directory of the numbered versions: in a claim, new or named, or in an object store."""
    local, bucket = servable("push.directory=/models/digits"), servable("push.directory=gs://bucket/digits")
    assert model(local, Settings())["storageUri"] == "pvc://digits-versions"
    assert kserve(local, Settings())[0]["metadata"]["name"] == "digits-versions"
    assert model(local, NAMED)["storageUri"] == "pvc://models/a/digits"
    assert model(bucket, Settings())["storageUri"] == "gs://bucket/digits"
    assert [manifest["kind"] for manifest in kserve(bucket, Settings())] == ["InferenceService"]


def test_the_server_is_of_the_models_release(servable: Make) -> None:
    """KServe's own TensorFlow Serving is years older than the models, so the release is stated."""
    made = model(servable("push.directory=/m"), Settings(version="2.20.0"))
    assert made["modelFormat"] == {"name": "tensorflow", "version": "2"}
    assert made["runtimeVersion"] == "2.20.0"


def test_batching_is_the_pushers(servable: Make) -> None:
    """batching.config is read where KServe has the versions; without it there are no arguments of ours."""
    batched = servable("push.directory=/m", "push.model_server.batching.max_batch_size=8")
    args = model(batched, Settings())["args"]
    assert args == ["--enable_batching", "--batching_parameters_file=/mnt/models/batching.config"]
    assert {argument.removeprefix("--").partition("=")[0] for argument in args} <= flags()
    assert "args" not in model(servable("push.directory=/m"), Settings())
