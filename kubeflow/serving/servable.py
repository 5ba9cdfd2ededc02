"""What a model server in a cluster has to know of an experiment."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.paths import Paths
from schemas.experiment import Experiment
from schemas.push import OBJECT_STORES


class ManifestError(Exception):
    """An experiment cannot be served in this way, for a reason that the message states in full."""


@dataclass(frozen=True)
class Servable:
    """An experiment's versions, as a server finds them."""

    model: str
    """Its name in requests."""
    resource: str
    """Name of what is made in the cluster: a DNS label of at most 63 characters."""
    base_path: str
    """Where the server reads the versions, as `models.config` says: a path, or a URL at gs:// or s3://."""
    is_configured: bool
    """Whether `models.config` is beside the versions."""
    is_batched: bool
    """Whether `batching.config` is."""

    @property
    def is_in_object_store(self) -> bool:
        """Whether the versions need no volume."""
        return self.base_path.startswith(OBJECT_STORES)


def servable_of(experiment: Experiment, paths: Paths) -> Servable:
    """The versions of an experiment; they need not be there yet.

    Raises:
      ManifestError: they are at no place that a container can have.
    """
    server = experiment.push.model_server
    base_path = ((server.base_path if server else None) or paths.published(experiment)).rstrip("/")
    if not base_path.startswith(OBJECT_STORES) and (not base_path.startswith("/") or ":" in base_path):
        raise ManifestError(
            f"the versions cannot be mounted at {base_path!r}; set push.model_server.base_path to an absolute path"
            f" without a colon, as /models/{experiment.name}, or to one at {' or '.join(OBJECT_STORES)}"
        )
    return Servable(
        model=experiment.name,
        resource=experiment.name.replace("_", "-").rstrip("-"),
        base_path=base_path,
        is_configured=server is not None,
        is_batched=server is not None and server.batching is not None,
    )
