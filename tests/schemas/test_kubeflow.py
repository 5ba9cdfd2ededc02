from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from schemas.kubeflow import Kubeflow, is_on


def kubeflow(**stated: Any) -> Kubeflow:
    return Kubeflow.model_validate(stated)


def test_a_node_has_what_is_said_of_it_and_of_all() -> None:
    """Each key of its own takes the place of the common one; the rest is as for all."""
    settings = kubeflow(
        cpu=2, memory="8Gi", environment={"A": "1"}, nodes={"Trainer": {"memory": "16Gi", "environment": {}}}
    )
    trainer, other = settings.pod_of("Trainer"), settings.pod_of("Evaluator")
    assert (trainer.cpu, trainer.memory, trainer.environment) == (2, "16Gi", {})
    assert (other.cpu, other.memory, other.environment) == (2, "8Gi", {"A": "1"})
    assert trainer.volumes == other.volumes == settings.volumes


@pytest.mark.parametrize(
    ("stated", "told"),
    [
        ({"root": "hdfs://host/x"}, "expected a path on a volume, or a place at gs://BUCKET or s3://BUCKET"),
        ({"root": "gs://"}, "expected a path on a volume, or a place at gs://BUCKET or s3://BUCKET"),
        ({"root": "here"}, "no absolute path in a container"),
        ({"root": "/elsewhere"}, "is on none of the volumes, which are mounted at /darkroom"),
        ({"nodes": {"Trainer": {"volumes": []}}}, "on none of the volumes of Trainer, which are mounted at no place"),
        ({"memory": "4 GB"}, "'4 GB' is no amount of memory"),
        ({"memory": "1.5Gi"}, "write a whole number of bytes, or one with a unit, as 4Gi or 1536Mi"),
        ({"memory": "4K"}, "'4K' is no amount of memory"),
        ({"cpu": 0}, "greater than 0"),
        ({"tolerations": [{"operator": "Equal"}]}, "give 'value' with operator: Equal"),
        ({"tolerations": [{"operator": "Equal", "value": "x"}]}, "give 'key' with operator: Equal"),
        ({"tolerations": [{"key": "bad key!"}]}, "should match pattern"),
        ({"tolerations": [{"key": "a", "operator": "Equal", "value": "no label!"}]}, "should match pattern"),
        ({"memory": "0Gi"}, "'0Gi' is no amount of memory"),
        ({"root": "gs:///x"}, "expected a path on a volume, or a place at gs://BUCKET or s3://BUCKET"),
        ({"tolerations": [{"seconds": 30}]}, "give 'seconds' with effect: NoExecute alone"),
        ({"volumes": [{"claim": "a.b", "mount": "/darkroom"}]}, "should match pattern"),
        ({"volumes": [{"claim": "a", "mount": "/darkroom"}] * 2}, "claim a is given twice"),
        (
            {"volumes": [{"claim": "a", "mount": "/darkroom"}, {"claim": "b", "mount": "/darkroom"}]},
            "mount /darkroom is given twice",
        ),
        ({"nodes": {"Baseline": {}}}, "Input should be"),
        ({"environment": {"DARKROOM_METADATA": "x"}}, "keep it in a Kubernetes secret"),
        ({"nodes": {"Trainer": {"environment": {"DARKROOM_METADATA": "x"}}}}, "keep it in a Kubernetes secret"),
        ({"secrets": [{"name": "My secret", "environment": {}}]}, "should match pattern"),
    ],
)
def test_what_no_cluster_would_take(stated: dict[str, Any], told: str) -> None:
    """Found before anything is compiled."""
    with pytest.raises(ValidationError) as caught:
        kubeflow(**stated)
    assert told in str(caught.value)


def test_a_root_in_an_object_store_needs_no_volume() -> None:
    """Unless one is stated, for the data."""
    settings = kubeflow(root="s3://bucket/darkroom/")
    assert (settings.root, settings.volumes, settings.pod_of("Trainer").volumes) == ("s3://bucket/darkroom", (), ())
    assert len(kubeflow(root="s3://bucket/x", volumes=[{"claim": "images", "mount": "/data"}]).volumes) == 1


@pytest.mark.parametrize(
    ("path", "mount", "is_there"),
    [
        ("/darkroom", "/darkroom", True),
        ("/darkroom/a", "/darkroom", True),
        ("/darkroom2", "/darkroom", False),
        ("/", "/darkroom", False),
        ("s3://darkroom/a", "/darkroom", False),
    ],
)
def test_what_is_on_a_volume(path: str, mount: str, is_there: bool) -> None:
    """At or below its mount, not only with a name that begins like it."""
    assert is_on(path, mount) == is_there
