"""Declares the Evaluator and the choice of its baseline."""

from __future__ import annotations

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.dsl.components.common.resolver import Resolver
from tfx.types import component_spec, standard_artifacts

from components.code_digest import code_digest
from components.evaluator.baseline import BLESSING, CANDIDATE, MODEL, LastBlessedOther
from components.evaluator.executor import Executor
from schemas.evaluation import Evaluation


class ImageEvaluatorSpec(types.ComponentSpec):
    """Inputs: examples, the model, the baseline. Outputs: the evaluation, and whether the model is blessed."""

    INPUTS = {
        "examples": component_spec.ChannelParameter(type=standard_artifacts.Examples),
        "model": component_spec.ChannelParameter(type=standard_artifacts.Model),
        "baseline_model": component_spec.ChannelParameter(type=standard_artifacts.Model, optional=True),
    }
    OUTPUTS = {
        "evaluation": component_spec.ChannelParameter(type=standard_artifacts.ModelEvaluation),
        "blessing": component_spec.ChannelParameter(type=standard_artifacts.ModelBlessing),
    }
    PARAMETERS = {
        "rules": component_spec.ExecutionParameter(type=str),
        "code_digest": component_spec.ExecutionParameter(type=str),
    }


class ImageEvaluator(base_component.BaseComponent):
    """TFX's Evaluator for classified images.

    TFMA's thresholds, slices and files; the metrics come from a single pass in batches instead of Beam, which takes a
    fraction of its time.
    """

    SPEC_CLASS = ImageEvaluatorSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self, evaluation: Evaluation, examples: types.BaseChannel, model: types.BaseChannel, baseline: types.BaseChannel
    ) -> None:
        """Declares the stage.

        Args:
          evaluation: the experiment's section.
          examples: output of ImageExampleGen.
          model: the candidate.
          baseline: output of `baseline_resolver`; may be empty.
        """
        super().__init__(
            ImageEvaluatorSpec(
                rules=evaluation.model_dump_json(),
                code_digest=code_digest("evaluator"),
                examples=examples,
                model=model,
                baseline_model=baseline,
                evaluation=types.Channel(type=standard_artifacts.ModelEvaluation),
                blessing=types.Channel(type=standard_artifacts.ModelBlessing),
            )
        )


def baseline_resolver(candidate: types.BaseChannel, serving_directory: str) -> Resolver:
    """Finds the model to compare a candidate with.

    Args:
      candidate: the Trainer's output `model`.
      serving_directory: where models are pushed to.
    """
    return Resolver(
        strategy_class=LastBlessedOther,
        config={"serving_directory": serving_directory},
        **{
            MODEL: types.Channel(type=standard_artifacts.Model),
            BLESSING: types.Channel(type=standard_artifacts.ModelBlessing),
            CANDIDATE: candidate,
        },
    ).with_id("Baseline")


def image_evaluator(
    evaluation: Evaluation, examples: types.BaseChannel, model: types.BaseChannel, baseline: types.BaseChannel
) -> ImageEvaluator:
    """The stage, under the name that TFX's has.

    Args:
      evaluation: the experiment's section.
      examples: output of ImageExampleGen.
      model: the candidate.
      baseline: output of `baseline_resolver`; may be empty.
    """
    return ImageEvaluator(evaluation, examples, model, baseline).with_id("Evaluator")
