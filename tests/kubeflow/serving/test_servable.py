from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kubeflow.serving.servable import ManifestError, Servable


def test_versions_are_where_the_server_was_told(servable: Callable[..., Servable], tmp_path: Path) -> None:
    """Its base_path, as models.config has it, else the pushes' directory, else the workspace's."""
    assert servable().base_path == str(tmp_path / "digits" / "serving")
    assert servable("push.directory=/models/digits").base_path == "/models/digits"
    elsewhere = servable("push.directory=/models/digits", "push.model_server.base_path=/served/")
    assert elsewhere.base_path == "/served"
    assert servable("push.directory=gs://bucket/digits").base_path == "gs://bucket/digits"


def test_what_lies_beside_the_versions(servable: Callable[..., Servable]) -> None:
    """models.config by default, batching.config where batching is stated, neither without a model server."""
    told = [
        (item.is_configured, item.is_batched)
        for item in (
            servable(),
            servable("push.model_server.batching.max_batch_size=8"),
            servable("push.model_server=null"),
        )
    ]
    assert told == [(True, False), (True, True), (False, False)]


@pytest.mark.parametrize(
    ("name", "resource"), [("flowers", "flowers"), ("fashion_mnist", "fashion-mnist"), ("a_", "a"), ("a-_-", "a")]
)
def test_names_are_dns_labels(name: str, resource: str, servable: Callable[..., Servable]) -> None:
    """What a cluster refuses in a name is replaced; requests name the model as before."""
    made = servable(f"name={name}")
    assert (made.model, made.resource) == (name, resource)


@pytest.mark.parametrize("path", ["models", "/a:b", "C:/models", "hdfs://a/b"])
def test_a_place_that_cannot_be_mounted(path: str, servable: Callable[..., Servable]) -> None:
    """A relative path or one with a colon is refused, and what to set is named."""
    with pytest.raises(ManifestError, match=r"set push\.model_server\.base_path to an absolute path"):
        servable(f"push.model_server.base_path={path}")
