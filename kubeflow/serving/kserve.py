"""A KServe InferenceService, with a claim for the versions where they need one.

KServe runs TensorFlow Serving over `storageUri`, a directory of numbered versions of which it serves the newest. It
mounts a claim, so that a server sees each push; it copies an object store once, when a server starts. `models.config`
is not read, so there are no labels, and the model's name is that of the InferenceService.
"""

from __future__ import annotations

from components.pusher.model_server import BATCHING_CONFIG
from kubeflow.serving.objects import Manifest, claim_name, metadata, new_claims
from kubeflow.serving.servable import Servable
from kubeflow.serving.settings import Settings

MOUNT = "/mnt/models"
"""Where KServe has the versions in the container."""
RUNTIME = "kserve-tensorflow-serving"
"""KServe's ClusterServingRuntime of TensorFlow Serving; another of its runtimes takes the format, too."""


def kserve(servable: Servable, settings: Settings) -> list[Manifest]:
    """The manifests, in the order in which they are to be made."""
    return [*new_claims(servable, settings), _inference_service(servable, settings)]


def storage_uri(servable: Servable, settings: Settings) -> str:
    """The directory of the versions."""
    if servable.is_in_object_store:
        return servable.base_path
    return f"pvc://{claim_name(servable, settings)}/{settings.sub_path}".rstrip("/")


def _inference_service(servable: Servable, settings: Settings) -> Manifest:
    asked = {"cpu": settings.cpu, "memory": settings.memory}
    model: Manifest = {
        "modelFormat": {"name": "tensorflow", "version": "2"},
        "runtime": RUNTIME,
        # KServe's own default, 2.6.2, is older than the models.
        "runtimeVersion": settings.version,
        "storageUri": storage_uri(servable, settings),
        # Merged with the runtime's own, whose limit of one processor would stay.
        "resources": {"requests": asked, "limits": dict(asked)},
    }
    if servable.is_batched:
        # KServe adds these to its own.
        model["args"] = ["--enable_batching", f"--batching_parameters_file={MOUNT}/{BATCHING_CONFIG}"]
    account = {"serviceAccountName": settings.service_account} if settings.service_account else {}
    return {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": metadata(servable, settings),
        "spec": {"predictor": {**account, "minReplicas": settings.replicas, "model": model}},
    }
