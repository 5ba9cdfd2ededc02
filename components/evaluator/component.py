"""Declares TFX's Evaluator and the choice of its baseline."""

from __future__ import annotations

from tfx import types
from tfx.components.evaluator.component import Evaluator
from tfx.dsl.components.common.resolver import Resolver
from tfx.types import standard_artifacts

from components.evaluator.baseline import BLESSING, CANDIDATE, MODEL, LastBlessedOther
from components.evaluator.configuration import evaluation_config
from schemas.evaluation import Evaluation


def baseline_resolver(candidate: types.BaseChannel) -> Resolver:
    """Finds the model to compare a candidate with.

    Args:
      candidate: the Trainer's output `model`.
    """
    return Resolver(
        strategy_class=LastBlessedOther,
        **{
            MODEL: types.Channel(type=standard_artifacts.Model),
            BLESSING: types.Channel(type=standard_artifacts.ModelBlessing),
            CANDIDATE: candidate,
        },
    ).with_id("Baseline")


def image_evaluator(
    evaluation: Evaluation, examples: types.BaseChannel, model: types.BaseChannel, baseline: types.BaseChannel
) -> Evaluator:
    """An Evaluator over one held-out split.

    Args:
      evaluation: the experiment's section.
      examples: output of ImageExampleGen.
      model: the candidate.
      baseline: output of `baseline_resolver`; may be empty.
    """
    return Evaluator(
        examples=examples,
        model=model,
        baseline_model=baseline,
        eval_config=evaluation_config(evaluation),
        example_splits=[evaluation.split],
    )
