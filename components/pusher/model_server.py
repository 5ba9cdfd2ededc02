"""What TensorFlow Serving is told of the versions, as text protobufs beside them.

`models.config` (ModelServerConfig) has the label `candidate` at the newest version, which requests without a label get,
and `stable` at the one before it, to which a rollback returns. Start the server with
`--model_config_file=.../models.config --model_config_file_poll_wait_seconds=10
--allow_version_labels_for_unavailable_models`, and with `--enable_batching
--batching_parameters_file=.../batching.config` where there is one.

Its policy is the three latest versions, not the very ones that carry labels. A server refuses a file that moves a label
to a version that it has not loaded, and refuses it before it loads what the file names (ServerCore::ReloadConfig in
tensorflow_serving/model_servers/server_core.cc): a file that both names a new version and moves a label to it is never
taken. By the policy the server loads the new version on its own, and takes the labels when it reads the file next.
Until then both labels point at versions that it still has loaded, which is why it takes three.
"""

from __future__ import annotations

from collections.abc import Sequence

from components.pusher.serving_directory import ServingDirectory
from schemas.push import Batching, ModelServer

MODELS_CONFIG = "models.config"
BATCHING_CONFIG = "batching.config"
STABLE = "stable"
CANDIDATE = "candidate"

_NUM_LOADED = 3


def labels(versions: Sequence[int]) -> dict[str, int]:
    """The version that each label is given, of one version or more, oldest first."""
    return {STABLE: versions[-2:][0], CANDIDATE: versions[-1]}


def write_configuration(
    serving: ServingDirectory, server: ModelServer | None, name: str, versions: Sequence[int]
) -> None:
    """Writes the files, each whole or not at all.

    Args:
      serving: whose versions they are.
      server: what the experiment says of the server; with None nothing is written.
      name: of the model, as clients ask for it.
      versions: that are published once this is done, oldest first.
    """
    if server is None or not versions:
        return
    serving.write(MODELS_CONFIG, models_config(name, server.base_path or serving.location, versions))
    if server.batching is not None:
        serving.write(BATCHING_CONFIG, batching_config(server.batching))


def models_config(name: str, base_path: str, versions: Sequence[int]) -> str:
    """A ModelServerConfig of one model."""
    labelled = "".join(
        f"    version_labels {{ key: {_quoted(label)} value: {version} }}\n"
        for label, version in labels(versions).items()
    )
    return (
        "model_config_list {\n"
        "  config {\n"
        f"    name: {_quoted(name)}\n"
        f"    base_path: {_quoted(base_path)}\n"
        '    model_platform: "tensorflow"\n'
        f"    model_version_policy {{ latest {{ num_versions: {_NUM_LOADED} }} }}\n"
        f"{labelled}"
        "  }\n"
        "}\n"
    )


def batching_config(batching: Batching) -> str:
    """BatchingParameters."""
    fields = ("max_batch_size", "batch_timeout_micros", "max_enqueued_batches", "num_batch_threads")
    stated = {field: getattr(batching, field) for field in fields}
    lines = [f"{field} {{ value: {value} }}" for field, value in stated.items() if value is not None]
    lines += [f"allowed_batch_sizes: {size}" for size in batching.allowed_batch_sizes]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
