from __future__ import annotations

from tfx import types
from tfx.types import standard_artifacts

from components.code_digest import code_digest
from components.evaluator.component import baseline_resolver, image_evaluator
from schemas.evaluation import Evaluation


def test_the_stage_is_declared_with_the_experiments_rules() -> None:
    """Its name is TFX's; its rules and its code decide whether a verdict in the cache holds."""
    model = types.Channel(type=standard_artifacts.Model)
    evaluation = Evaluation.model_validate({"split": "eval", "thresholds": {"accuracy": {"min": 0.7}}})
    stage = image_evaluator(evaluation, types.Channel(type=standard_artifacts.Examples), model, model)
    assert stage.id == "Evaluator"
    assert Evaluation.model_validate_json(stage.exec_properties["rules"]) == evaluation
    assert stage.exec_properties["code_digest"] == code_digest("evaluator")
    assert stage.outputs["evaluation"].type is standard_artifacts.ModelEvaluation
    assert stage.outputs["blessing"].type is standard_artifacts.ModelBlessing


def test_the_baseline_is_sought_among_models_and_blessings() -> None:
    """The resolver has a name of its own, and gives a model and its blessing."""
    resolver = baseline_resolver(types.Channel(type=standard_artifacts.Model), "/models")
    assert resolver.id == "Baseline"
    assert resolver.outputs["model"].type is standard_artifacts.Model
    assert resolver.outputs["model_blessing"].type is standard_artifacts.ModelBlessing
