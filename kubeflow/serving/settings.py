"""What a cluster is asked for, beside the experiment."""

from __future__ import annotations

from dataclasses import dataclass

SERVER_VERSION = "2.19.1"
"""Release of TensorFlow Serving that serves where no other is named: the newest that has a client on PyPI."""


@dataclass(frozen=True)
class Settings:
    """One serving of one experiment."""

    claim: str | None = None
    """A PersistentVolumeClaim that is there already. Default: a new one, part of the manifests."""
    sub_path: str = ""
    """Directory of the versions within the claim; empty where they are at its top."""
    storage: str = "10Gi"
    """Size of a new claim."""
    storage_class: str | None = None
    """Of a new claim. Default: the cluster's own."""
    namespace: str | None = None
    """Default: the one that `kubectl` is set to."""
    service_account: str | None = None
    """Whose rights the server has in an object store. Default: the namespace's own."""
    version: str = SERVER_VERSION
    """Tag of the image tensorflow/serving."""
    replicas: int = 1
    cpu: str = "1"
    """Processors that a server asks for; it may take more where they are free."""
    memory: str = "2Gi"
    """What a server asks for, and may not exceed."""
