from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tfx import types
from tfx.dsl.components.base.base_node import BaseNode
from tfx.types import standard_artifacts

from components.errors import TrainingError
from components.trainer.component import image_trainer
from components.tuner.component import image_tuner
from components.tuner.executor import request_of
from components.tuner.results import read_summary
from schemas import features
from schemas.tuning import Tuning
from tests.components.sample_stages import stages_of_data
from tests.processes import children_of

if TYPE_CHECKING:
    from tests.components.conftest import Sample

TUNING = {
    "sweep": {"rates": [1e4, 0.02], "epochs": 2},
    "search": {"method": "random", "space": {"model.dropout": [0.0, 0.2]}, "trials": 2, "epochs": 1},
    "cross_validation": {"folds": 2, "epochs": 1},
    "parallel": 2,
}


def stages(sample: Sample, checkpoints: Path, tuning: dict[str, Any]) -> list[BaseNode]:
    """From the data to a Trainer that learns with what was found."""
    changes = {
        "tuning": Tuning.model_validate(tuning),
        "training": sample.experiment.training.model_copy(update={"epochs": 1}),
    }
    experiment = sample.experiment.model_copy(update=changes)
    before = stages_of_data(sample.experiment)
    ingestion, _, schema, _, transform = before
    inputs = (ingestion.outputs["examples"], transform.outputs["transform_graph"], schema.outputs["schema"])
    tuner = image_tuner(experiment, *inputs, str(checkpoints))
    assert tuner is not None
    best = tuner.outputs["best_hyperparameters"]
    trainer = image_trainer(experiment, *inputs, str(checkpoints), hyperparameters=best)
    return [*before, tuner, trainer.with_id("TunedTrainer")]


@pytest.mark.long
def test_the_stage_in_a_pipeline(prepared: Sample, tmp_path: Path) -> None:
    """Sweep, search and cross-validation build on each other; TFX's Trainer reads what they found, and learns with it.

    A second run takes all from the cache. No process is left, and nothing where a killed search would go on.
    """
    others = children_of(os.getpid())
    prepared.stages.run(stages(prepared, tmp_path, TUNING))
    assert children_of(os.getpid()) == others
    assert prepared.stages.states["Tuner"] == "executed"
    summary = read_summary(str(prepared.stages.path("Tuner", "tuner_results")))
    assert summary["best"]["training.learning_rate"] == summary["sweep"]["rate"] == 0.02
    assert [point["is_diverging"] for point in summary["sweep"]["curve"]] == [True, False]
    assert summary["best"]["model.dropout"] in (0.0, 0.2)
    assert (summary["num_trials"], summary["num_failed"]) == (2, 0)
    assert summary["cross_validation"]["folds"] == 2
    rows = json.loads(Path(summary["table"]).read_text())
    assert [row["part"] for row in rows] == ["sweep"] * 2 + ["search"] * 2 + ["cross_validation"] * 2
    assert not list(tmp_path.glob("tuner-*"))

    serving = prepared.stages.path("TunedTrainer", "model") / "Format-Serving"
    stored = json.loads((serving / "assets" / features.EXPERIMENT_ASSET).read_text())
    assert stored["hyperparameters"] == summary["best"]

    prepared.stages.run(stages(prepared, tmp_path, TUNING))
    assert {prepared.stages.states[name] for name in ("Tuner", "TunedTrainer")} == {"cached"}


def artifact(kind: type[types.Artifact], uri: Path) -> list[types.Artifact]:
    made = kind()
    made.uri = str(uri)
    return [made]


def test_trials_start_from_the_weights_that_the_trainer_starts_from(prepared: Sample, tmp_path: Path) -> None:
    """Another experiment's base, the own last model's base, or all of it; without its file that is refused."""
    tuner = stages(prepared, tmp_path, TUNING)[-2]
    properties = dict(tuner.exec_properties)
    inputs = {
        "examples": artifact(standard_artifacts.Examples, prepared.stages.path("ImageExampleGen", "examples")),
        "transform_graph": artifact(
            standard_artifacts.TransformGraph, prepared.stages.path("Transform", "transform_graph")
        ),
    }
    request = request_of(inputs, properties)
    assert (request.initial_base, request.initial_network) == (None, None)
    assert sum(request.class_counts) == request.num_train
    assert request_of(inputs, {**properties, "base_weights": "/other/base.weights.h5"}).initial_base == (
        "/other/base.weights.h5"
    )
    inputs["base_model"] = artifact(standard_artifacts.Model, tmp_path / "model")
    with pytest.raises(TrainingError, match=r"base\.weights\.h5 is missing"):
        request_of(inputs, properties)
    native = tmp_path / "model" / "native"
    native.mkdir(parents=True)
    for name in ("base.weights.h5", "model.keras"):
        (native / name).touch()
    assert request_of(inputs, properties).initial_base == str(native / "base.weights.h5")
    training = prepared.experiment.training.model_copy(update={"warm_start": True})
    warm = request_of(inputs, {**properties, "training": training.model_dump_json()})
    assert (warm.initial_base, warm.initial_network) == (None, str(native / "model.keras"))
