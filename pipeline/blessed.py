"""The last blessed model of another experiment, whose weights a training starts from."""

from __future__ import annotations

from pathlib import Path

from ml_metadata import metadata_store
from tfx.orchestration import metadata

from components.errors import TrainingError
from components.networks.weights import BASE_WEIGHTS_FILE, NATIVE
from pipeline.paths import Paths
from schemas.experiment import Experiment
from schemas.model import WeightsFrom
from schemas.problems import suggestion


def base_weights_of_another(experiment: Experiment, paths: Paths) -> str | None:
    """File of the base's weights that `model.weights.experiment` asks for; None where it names no other experiment.

    Raises:
      TrainingError: that experiment has no blessed model in this workspace.
    """
    weights = experiment.model.weights
    name = weights.experiment if isinstance(weights, WeightsFrom) else None
    if name is None or name == experiment.name:
        return None
    other = Paths(paths.workspace, name)
    model = _last_blessed(other.metadata) if other.metadata.exists() else None
    if model is None:
        known = sorted(path.parent.name for path in paths.workspace.glob("*/metadata.db"))
        raise TrainingError(
            f"model.weights.experiment: {name} has no blessed model in {paths.workspace}"
            f"{suggestion(name, known)}; run it first, or name one that has run there: {', '.join(known) or 'none has'}"
        )
    return str(Path(model) / NATIVE / BASE_WEIGHTS_FILE)


def _last_blessed(database: Path) -> str | None:
    """The uri of the model that was blessed last and is still there."""
    store = metadata_store.MetadataStore(metadata.sqlite_metadata_connection_config(str(database)))
    blessings = sorted(store.get_artifacts_by_type("ModelBlessing"), key=lambda artifact: artifact.id, reverse=True)
    ids = [each.custom_properties["current_model_id"].int_value for each in blessings if _is_good(each)]
    models = {model.id: model.uri for model in store.get_artifacts_by_id(ids)}
    there = (models[id] for id in ids if id in models and _has_base(models[id]))
    return next(there, None)


def _has_base(model: str) -> bool:
    return (Path(model) / NATIVE / BASE_WEIGHTS_FILE).exists()


def _is_good(blessing: object) -> bool:
    return bool(blessing.custom_properties["blessed"].int_value == 1)  # type: ignore[attr-defined]
