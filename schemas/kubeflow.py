"""The section `kubeflow`: what the pipeline's tasks get in a cluster."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from schemas.push import OBJECT_STORES
from schemas.retries import Retries
from schemas.section import Section


def _quantity(text: str) -> str:
    if not re.fullmatch(r"[1-9][0-9]*([EPTGM]i?|Ki)?", text):
        raise ValueError(
            f"{text!r} is no amount of memory; write a whole number of bytes, or one with a unit, as 4Gi or 1536Mi"
        )
    return text


METADATA_VARIABLE = "DARKROOM_METADATA"
"""In a pod's environment: the URL of the database of ML Metadata. Secret."""
IMAGE_VARIABLE = "DARKROOM_IMAGE"
"""In a pod's environment: the container image that it runs."""


_BUCKET = r"[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]"


def _root(text: str) -> str:
    scheme, _, place = text.partition("://")
    if f"{scheme}://" in OBJECT_STORES and re.fullmatch(_BUCKET, place.partition("/")[0]):
        return text.rstrip("/")
    if "://" in text:
        places = " or ".join(f"{scheme}BUCKET" for scheme in OBJECT_STORES)
        raise ValueError(
            f"got {text!r}; expected a path on a volume, or a place at {places}, a name of 3 to 63 small letters,"
            " digits, points, - and _"
        )
    if not text.startswith("/") or ":" in text:
        raise ValueError(f"{text!r} is no absolute path in a container; write one below a volume, as /darkroom")
    return text


Quantity = Annotated[str, AfterValidator(_quantity)]
Cpu = Annotated[float, Field(gt=0)]
Label = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")]
TaintKey = Annotated[
    str,
    Field(pattern=r"^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$"),
]
TaintValue = Annotated[str, Field(pattern=r"^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$")]
ResourceName = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$")]
VariableName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
MountPath = Annotated[str, Field(pattern=r"^/[^:]+$")]
Seconds = Annotated[int, Field(ge=1)]
NodeName = Literal[
    "ImageExampleGen",
    "SchemaGen",
    "ImportSchemaGen",
    "StatisticsGen",
    "DataGate",
    "Transform",
    "Tuner",
    "Trainer",
    "Evaluator",
    "Canary",
    "Pusher",
    "RunReport",
]


class Accelerator(Section):
    """What a node trains on, beside its processors."""

    type: Annotated[str, Field(min_length=1)] = "nvidia.com/gpu"
    """The resource's name in the cluster."""
    count: Annotated[int, Field(ge=1)] = 1
    """How many of them."""


class Toleration(Section):
    """Lets pods run on nodes that are tainted, as nodes with accelerators often are."""

    key: TaintKey | None = None
    """Of the taint; null is every one."""
    operator: Literal["Exists", "Equal"] = "Exists"
    """Whether the taint's value must be `value`."""
    value: TaintValue | None = None
    """Of the taint, where the operator is Equal."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    """Of the taint; null is every one."""
    seconds: Annotated[int, Field(ge=0)] | None = None
    """How long a pod stays after a taint NoExecute; null is for ever."""

    @model_validator(mode="after")
    def _value_belongs_to_equal(self) -> Toleration:
        if (self.value is None) != (self.operator == "Exists"):
            raise ValueError("give 'value' with operator: Equal, and leave it out with Exists")
        if self.operator == "Equal" and self.key is None:
            raise ValueError("give 'key' with operator: Equal; only Exists can be for every taint")
        if self.seconds is not None and self.effect != "NoExecute":
            raise ValueError("give 'seconds' with effect: NoExecute alone, for no other makes a pod leave")
        return self


class Volume(Section):
    """A PersistentVolumeClaim that pods mount."""

    claim: Label
    """Its name; without dots, for KFP names the pod's volume like it."""
    mount: MountPath
    """Where it is in the container."""


def _apart(volumes: tuple[Volume, ...]) -> tuple[Volume, ...]:
    for key in ("claim", "mount"):
        stated = [getattr(volume, key) for volume in volumes]
        if twice := sorted({name for name in stated if stated.count(name) > 1}):
            raise ValueError(f"{key} {', '.join(twice)} is given twice; a pod mounts each once, each at its own place")
    return volumes


Volumes = Annotated[tuple[Volume, ...], AfterValidator(_apart)]


class Secret(Section):
    """A Kubernetes Secret whose values pods find in their environment."""

    name: ResourceName
    """Its name."""
    environment: dict[VariableName, Annotated[str, Field(min_length=1)]]
    """Names of variables, and the secret's keys that they are filled from."""


class Pod(Section):
    """What differs for one node; null leaves it as it is for all."""

    image: Annotated[str, Field(min_length=1)] | None = None
    """Container image."""
    cpu: Cpu | None = None
    """Processors that are kept free for it, also parts of one; it may take more."""
    memory: Quantity | None = None
    """Memory that is kept free for it, and that it may not exceed."""
    accelerator: Accelerator | None = None
    """What it trains on, beside processors."""
    node_selector: dict[str, str] | None = None
    """Labels that a machine must have."""
    tolerations: tuple[Toleration, ...] | None = None
    """Taints that a machine may have."""
    retries: Retries | None = None
    """Pods that are tried, after the end of one that failed or was killed."""
    timeout_seconds: Seconds | None = None
    """When it is ended, counted from its start."""
    environment: dict[VariableName, str] | None = None
    """Variables. Nothing secret: they stand in the compiled file."""
    secrets: tuple[Secret, ...] | None = None
    """Variables from secrets."""
    volumes: Volumes | None = None
    """What is mounted."""


class Kubeflow(Section):
    """How the pipeline runs on Kubeflow Pipelines; all but `nodes` holds for every node."""

    image: Annotated[str, Field(min_length=1)] | None = None
    """Container image, best with its digest: registry/darkroom@sha256:... . Default: must be given when compiling."""
    root: Annotated[str, AfterValidator(_root)] = "/darkroom"
    """Workspace of the pipeline: a path on a volume that all pods mount, or a place at gs:// or s3://, which each pod
    copies from and to."""
    tasks: Literal["group", "node"] = "group"
    """group: neighbours that ask for the same share a pod, as data, training and release, for each task costs the
    cluster two. node: every node has its own."""
    cpu: Cpu = 1.0
    """Processors that are kept free for a pod, also parts of one; it may take more."""
    memory: Quantity = "4Gi"
    """Memory that is kept free for a pod, and that it may not exceed."""
    accelerator: Accelerator | None = None
    """What every node gets beside processors; see `nodes` to give it to the Trainer alone."""
    node_selector: dict[str, str] = {}
    """Labels that a machine must have."""
    tolerations: tuple[Toleration, ...] = ()
    """Taints that a machine may have."""
    retries: Retries = Retries(attempts=3, backoff_seconds=30)
    """Pods that are tried, after the end of one that failed or was killed. What a killed one had finished is kept."""
    timeout_seconds: Seconds | None = None
    """When a pod is ended, counted from its start. Default: never."""
    environment: dict[VariableName, str] = {}
    """Variables. Nothing secret: they stand in the compiled file."""
    secrets: tuple[Secret, ...] = (Secret(name="darkroom", environment={METADATA_VARIABLE: "metadata-url"}),)
    """Variables from secrets. DARKROOM_METADATA is the URL of the database of ML Metadata."""
    volumes: Volumes = (Volume(claim="darkroom", mount="/darkroom"),)
    """What is mounted. Default: the claim darkroom at /darkroom; nothing where the root is in an object store."""
    nodes: dict[NodeName, Pod] = {}
    """What differs for single nodes."""

    def pod_of(self, node: str) -> Pod:
        """Everything that one node gets, stated."""
        common = {name: getattr(self, name) for name in Pod.model_fields}
        own = next((pod for name, pod in self.nodes.items() if name == node), Pod())
        stated = {name: value for name in Pod.model_fields if (value := getattr(own, name)) is not None}
        return Pod.model_construct(**{**common, **stated})

    @model_validator(mode="after")
    def _root_is_on_a_volume(self) -> Kubeflow:
        if self.root.startswith(OBJECT_STORES):
            if "volumes" not in self.model_fields_set:
                self.__dict__["volumes"] = ()
            return self
        for node in (None, *self.nodes):
            mounts = [volume.mount for volume in (self.pod_of(node).volumes if node else self.volumes) or ()]
            if not any(is_on(self.root, mount) for mount in mounts):
                raise ValueError(
                    f"root {self.root} is on none of the volumes{f' of {node}' if node else ''}, which are mounted at"
                    f" {', '.join(mounts) or 'no place'}; set root to a path below one of them"
                )
        return self

    @model_validator(mode="after")
    def _database_is_a_secret(self) -> Kubeflow:
        variables = [self.environment, *(pod.environment or {} for pod in self.nodes.values())]
        if any(METADATA_VARIABLE in each for each in variables):
            raise ValueError(
                f"environment: {METADATA_VARIABLE} holds a password, and would stand in the compiled file; keep it in a"
                " Kubernetes secret, and name that in secrets"
            )
        return self


def is_on(path: str, mount: str) -> bool:
    """Whether a path is at or below the place where a volume is mounted."""
    place = PurePosixPath(mount)
    return not path.startswith(OBJECT_STORES) and (PurePosixPath(path) == place or place in PurePosixPath(path).parents)
