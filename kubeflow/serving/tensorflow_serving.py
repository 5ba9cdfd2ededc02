"""TensorFlow Serving as a Deployment and a Service, with a claim for the versions where they need one.

The server polls the directory of the versions and takes `models.config` and `batching.config` from it, as the Pusher
wrote them. It answers nothing before it has loaded the first version.
"""

from __future__ import annotations

from components.pusher.model_server import BATCHING_CONFIG, MODELS_CONFIG
from kubeflow.serving.objects import Manifest, claim_name, labels, metadata, new_claims, resources
from kubeflow.serving.servable import ManifestError, Servable
from kubeflow.serving.settings import Settings

GRPC_PORT = 8500
REST_PORT = 8501

_USER = 1000
_POLL_SECONDS = 10
_START_SECONDS = 600


def tensorflow_serving(servable: Servable, settings: Settings) -> list[Manifest]:
    """The manifests, in the order in which they are to be made.

    Raises:
      ManifestError: the server cannot read the place of the versions.
    """
    if servable.base_path.startswith("s3://"):
        raise ManifestError(
            f"TensorFlow Serving reads no s3:// since its release 2.7, and {servable.base_path} is there; take --kind"
            " kserve, which copies the versions, or push to gs:// or to a volume"
        )
    return [*new_claims(servable, settings), _deployment(servable, settings), _service(servable, settings)]


def arguments(servable: Servable) -> list[str]:
    """The model server's command line."""
    stated = [f"--port={GRPC_PORT}", f"--rest_api_port={REST_PORT}"]
    if servable.is_configured:
        stated += [
            f"--model_config_file={servable.base_path}/{MODELS_CONFIG}",
            f"--model_config_file_poll_wait_seconds={_POLL_SECONDS}",
            "--allow_version_labels_for_unavailable_models",
        ]
    else:
        stated += [f"--model_name={servable.model}", f"--model_base_path={servable.base_path}"]
    if servable.is_batched:
        stated += ["--enable_batching", f"--batching_parameters_file={servable.base_path}/{BATCHING_CONFIG}"]
    if servable.is_in_object_store:
        # Each poll is a paid request there; without this there is one a second.
        stated += [f"--file_system_poll_wait_seconds={_POLL_SECONDS}"]
    return stated


def _deployment(servable: Servable, settings: Settings) -> Manifest:
    spec = {
        "replicas": settings.replicas,
        "selector": {"matchLabels": labels(servable)},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
        "template": {"metadata": {"labels": labels(servable)}, "spec": _pod(servable, settings)},
    }
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata(servable, settings), "spec": spec}


def _pod(servable: Servable, settings: Settings) -> Manifest:
    account = {"serviceAccountName": settings.service_account} if settings.service_account else {}
    volumes: list[Manifest] = [{"name": "temporary", "emptyDir": {}}]
    if not servable.is_in_object_store:
        claim = {"claimName": claim_name(servable, settings), "readOnly": True}
        volumes.append({"name": "versions", "persistentVolumeClaim": claim})
    return {
        **account,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _USER,
            "runAsGroup": _USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_container(servable, settings)],
        "volumes": volumes,
    }


def _container(servable: Servable, settings: Settings) -> Manifest:
    mounts: list[Manifest] = [{"name": "temporary", "mountPath": "/tmp"}]
    if not servable.is_in_object_store:
        sub_path = {"subPath": settings.sub_path} if settings.sub_path else {}
        mounts.append({"name": "versions", "mountPath": servable.base_path, **sub_path, "readOnly": True})
    # Found only while a version is loaded; the model's status is found while it loads, too.
    loaded = {"httpGet": {"path": f"/v1/models/{servable.model}/metadata", "port": "rest"}, "timeoutSeconds": 5}
    return {
        "name": "tensorflow-serving",
        "image": f"tensorflow/serving:{settings.version}",
        "command": ["/usr/bin/tensorflow_model_server"],
        "args": arguments(servable),
        "ports": [{"name": "grpc", "containerPort": GRPC_PORT}, {"name": "rest", "containerPort": REST_PORT}],
        "resources": resources(settings),
        "startupProbe": {**loaded, "periodSeconds": 5, "failureThreshold": _START_SECONDS // 5},
        "readinessProbe": {**loaded, "periodSeconds": 10},
        # A model that is missing is not mended by a restart, a server that does not answer may be.
        "livenessProbe": {"tcpSocket": {"port": "rest"}, "periodSeconds": 10, "timeoutSeconds": 5},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": mounts,
    }


def _service(servable: Servable, settings: Settings) -> Manifest:
    ports = [
        {"name": name, "port": port, "targetPort": name} for name, port in (("grpc", GRPC_PORT), ("rest", REST_PORT))
    ]
    spec = {"type": "ClusterIP", "selector": labels(servable), "ports": ports}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata(servable, settings), "spec": spec}
