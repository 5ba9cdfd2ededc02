"""What all manifests have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from kubeflow.serving.servable import Servable
from kubeflow.serving.settings import Settings

Manifest = dict[str, Any]


def metadata(servable: Servable, settings: Settings, name: str | None = None) -> Manifest:
    """Name, namespace where one is given, and labels."""
    namespace = {"namespace": settings.namespace} if settings.namespace else {}
    return {"name": name or servable.resource, **namespace, "labels": labels(servable)}


def labels(servable: Servable) -> dict[str, str]:
    """Labels that select the servers of one experiment."""
    return {"app.kubernetes.io/name": servable.resource, "app.kubernetes.io/part-of": "darkroom"}


def resources(settings: Settings) -> Manifest:
    """What a server asks for. Its processors have no limit, which would slow it down while others are idle."""
    requests = {"cpu": settings.cpu, "memory": settings.memory}
    return {"requests": requests, "limits": {"memory": settings.memory}}


def claim_name(servable: Servable, settings: Settings) -> str:
    """The claim that holds the versions."""
    return settings.claim or f"{servable.resource[:54].rstrip('-')}-versions"


def new_claims(servable: Servable, settings: Settings) -> list[Manifest]:
    """A PersistentVolumeClaim where versions need one that is not there yet.

    The pipeline writes to it while servers on other nodes read, hence its access mode.
    """
    if servable.is_in_object_store or settings.claim:
        return []
    spec: Manifest = {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": settings.storage}}}
    if settings.storage_class:
        spec["storageClassName"] = settings.storage_class
    name = claim_name(servable, settings)
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata(servable, settings, name)}
    return [{**claim, "spec": spec}]


def to_yaml(manifests: Sequence[Manifest]) -> str:
    """YAML documents, the same to the byte for the same manifests."""
    return yaml.dump_all(manifests, Dumper=_Dumper, sort_keys=False, default_flow_style=False, allow_unicode=True)


class _Dumper(yaml.SafeDumper):
    """Writes a value that occurs twice twice, not once with an alias."""

    def ignore_aliases(self, _data: object) -> bool:
        return True
