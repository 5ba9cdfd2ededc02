from __future__ import annotations

from google.protobuf import json_format
from tensorflow_model_analysis.proto import config_pb2
from tfx import types
from tfx.types import standard_artifacts

from components.evaluator.component import baseline_resolver, image_evaluator
from components.evaluator.configuration import evaluation_config
from schemas.evaluation import Evaluation


def test_the_chosen_split_is_judged_by_the_experiments_limits() -> None:
    """The Evaluator reads the split that the experiment names, and nothing else, with its thresholds."""
    model = types.Channel(type=standard_artifacts.Model)
    evaluation = Evaluation.model_validate({"split": "eval", "thresholds": {"accuracy": {"min": 0.7}}})
    stage = image_evaluator(evaluation, types.Channel(type=standard_artifacts.Examples), model, model)
    assert stage.exec_properties["example_splits"] == '["eval"]'
    config = json_format.Parse(stage.exec_properties["eval_config"], config_pb2.EvalConfig())
    assert config == evaluation_config(evaluation)


def test_the_baseline_is_sought_among_models_and_blessings() -> None:
    """The resolver has a name of its own, and gives a model and its blessing."""
    resolver = baseline_resolver(types.Channel(type=standard_artifacts.Model))
    assert resolver.id == "Baseline"
    assert resolver.outputs["model"].type is standard_artifacts.Model
    assert resolver.outputs["model_blessing"].type is standard_artifacts.ModelBlessing
