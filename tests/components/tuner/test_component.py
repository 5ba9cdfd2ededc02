from __future__ import annotations

from typing import Any

import pytest
from tfx import types
from tfx.types import standard_artifacts

from components.code_digest import code_digest
from components.errors import TrainingError
from components.tuner.component import ImageTuner, image_tuner
from schemas.experiment import Experiment
from schemas.training import Training
from schemas.tuning import Tuning


def experiment(**sections: Any) -> Experiment:
    return Experiment.model_validate({"name": "flowers", "data": {"source": "/data", "labels": ["a", "b"]}, **sections})


def stage(**sections: Any) -> ImageTuner | None:
    kinds = (standard_artifacts.Examples, standard_artifacts.TransformGraph, standard_artifacts.Schema)
    examples, graph, schema = (types.Channel(type=kind) for kind in kinds)
    return image_tuner(experiment(**sections), examples, graph, schema, "/checkpoints", base_weights=None)


def properties(**sections: Any) -> dict[str, Any]:
    made = stage(tuning={"search": {}}, **sections)
    assert made is not None
    return dict(made.exec_properties)


def test_the_stage_is_there_where_anything_is_to_be_found() -> None:
    """A search, a sweep or a cross-validation; else there is none."""
    assert stage() is None
    assert stage(tuning={"parallel": 2}) is None
    for part in ("search", "sweep", "cross_validation"):
        made = stage(tuning={part: {}})
        assert made is not None
        assert made.id == "Tuner"
        assert made.outputs["best_hyperparameters"].type is standard_artifacts.HyperParameters
        assert made.outputs["tuner_results"].type is standard_artifacts.TunerResults


def test_what_decides_the_trials_decides_the_cache() -> None:
    """The sections that trials read, and the code."""
    given = properties()
    assert given["code_digest"] == code_digest("tuner")
    assert Tuning.model_validate_json(given["tuning"]) == Tuning.model_validate({"search": {}})
    assert given["labels"] == '["a", "b"]'
    for changed in (
        {"model": {"depth": 2}},
        {"augmentation": {"flip": "both"}},
        {"training": {"momentum": 0.5}},
        {"preprocessing": {"height": 32}},
    ):
        assert properties(**changed) != given


def test_what_no_trial_reads_searches_no_second_time() -> None:
    """How long the training itself goes on, and what it alone does."""
    given = properties()
    for changed in ({"epochs": 3}, {"checkpoints": {"every": 5}}, {"workers": 2}, {"objectives": {"accuracy": 0.9}}):
        assert properties(training=changed) == given
    assert properties(evaluation={"split": "eval"}) == given


def test_cross_validation_reads_the_epochs_of_the_training() -> None:
    """Unless it has its own."""

    def epochs(**rules: Any) -> int:
        made = stage(tuning={"cross_validation": rules}, training={"epochs": 7})
        assert made is not None
        return Training.model_validate_json(made.exec_properties["training"]).epochs

    assert epochs() == 7
    assert epochs(epochs=2) == Training().epochs


def test_backbones_that_are_tried_share_one_normalization() -> None:
    """Trials share one Transform graph: where the backbones want different scalings, the experiment must state one."""
    tuning = {"search": {"space": {"model.backbone": ["vgg16", "resnet50"]}}}
    with pytest.raises(TrainingError, match=r"small_cnn: standardize, vgg16: imagenet_bgr.*state preprocessing"):
        stage(tuning=tuning)
    for stated in ({"model": {"backbone": "vgg19"}}, {"preprocessing": {"normalization": "rescale"}}):
        assert stage(tuning=tuning, **stated) is not None
