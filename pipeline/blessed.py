"""The last blessed model of another experiment, whose weights a training starts from."""

from __future__ import annotations

from collections.abc import Container
from pathlib import Path

from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2
from tfx.dsl.compiler import constants

from components.errors import TrainingError
from components.lineage import BLESSED, MODEL_ID, PUSHED_DESTINATION, PUSHED_MODEL
from components.networks.weights import BASE_WEIGHTS_FILE, NATIVE
from components.pusher.rolled_back import RolledBackModels
from components.pusher.serving_directory import open_directory
from pipeline.artifacts import Artifacts
from pipeline.metadata import ConnectionConfig, PatientMetadata, file_connection
from pipeline.paths import Paths
from schemas.experiment import Experiment
from schemas.model import WeightsFrom
from schemas.problems import suggestion

_BLESSING = "ModelBlessing"


def base_weights_of_another(
    experiment: Experiment, paths: Paths, connection: ConnectionConfig | None, artifacts: Artifacts
) -> str | None:
    """File of the base's weights that `model.weights.experiment` asks for; None where it names no other experiment.

    Args:
      experiment: what is to be run.
      paths: where.
      connection: to the ML Metadata that all experiments share; None where each has a file in the workspace.
      artifacts: where they are kept.

    Raises:
      TrainingError: that experiment has no blessed model in this workspace, or all were rolled back.
      StageError, OSError: the directory that it was pushed to last cannot be read.
    """
    weights = experiment.model.weights
    name = weights.experiment if isinstance(weights, WeightsFrom) else None
    if name is None or name == experiment.name:
        return None
    file = Paths(paths.workspace, name).metadata
    if connection is None and file.exists():
        connection = file_connection(file)
    model, known = None, sorted(path.parent.name for path in paths.workspace.glob("*/metadata.db"))
    if connection is not None:
        with PatientMetadata(connection) as handle:
            contexts = handle.store.get_contexts_by_type(constants.PIPELINE_CONTEXT_TYPE_NAME)
            known = sorted({*known, *(context.name for context in contexts)} - {experiment.name})
            model = next(
                (_last_blessed(handle.store, context.id, artifacts) for context in contexts if context.name == name),
                None,
            )
    if model is None:
        raise TrainingError(
            f"model.weights.experiment: {name} has no blessed model in {paths.workspace} that was not rolled back"
            f"{suggestion(name, known)}; run it first, or name one that has run there: {', '.join(known) or 'none has'}"
        )
    return str(Path(model) / NATIVE / BASE_WEIGHTS_FILE)


def _last_blessed(store: MetadataStore, pipeline: int, artifacts: Artifacts) -> str | None:
    """The uri of the model that was blessed last in a pipeline, was not rolled back and is still there."""
    known = {artifact.id: artifact for artifact in store.get_artifacts_by_context(pipeline)}
    newest_first = [artifact for _, artifact in sorted(known.items(), reverse=True)]
    pushed = next((artifact for artifact in newest_first if artifact.type == PUSHED_MODEL), None)
    rolled_back = _rolled_back_where(pushed, store) if pushed else ()
    ids = [
        artifact.custom_properties[MODEL_ID].int_value
        for artifact in newest_first
        if artifact.type == _BLESSING and artifact.custom_properties[BLESSED].int_value == 1
    ]
    wanted = (known[id].uri for id in ids if id in known and id not in rolled_back)
    return next((uri for uri in wanted if _has_base(uri, artifacts)), None)


def _rolled_back_where(pushed: metadata_store_pb2.Artifact, store: MetadataStore) -> Container[int]:
    """Models that were rolled back in the directory that a model was pushed to."""
    destination = pushed.custom_properties[PUSHED_DESTINATION].string_value
    return RolledBackModels(store, open_directory(destination.rpartition("/")[0]))


def _has_base(model: str, artifacts: Artifacts) -> bool:
    artifacts.fetch(model)
    return (Path(model) / NATIVE / BASE_WEIGHTS_FILE).exists()
