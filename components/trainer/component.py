"""Declares TFX's Trainer with this project's training."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from tfx import types
from tfx.components.trainer.component import Trainer
from tfx.proto import trainer_pb2

from components.code_digest import code_digest

if TYPE_CHECKING:
    from schemas.experiment import Experiment

_RUN_FN = "components.trainer.run.run_fn"
_WHAT_MAKES_A_MODEL = {"name", "data", "preprocessing", "augmentation", "model", "training", "tuning"}
_WHAT_ONLY_JUDGES = {"data": {"quarantine"}}


def image_trainer(
    experiment: Experiment,
    examples: types.BaseChannel,
    transform_graph: types.BaseChannel,
    schema: types.BaseChannel,
    checkpoint_directory: str | None,
    *,
    hyperparameters: types.BaseChannel | None = None,
    base_model: types.BaseChannel | None = None,
    base_weights: str | None = None,
) -> Trainer:
    """A Trainer that learns from the train split and watches the eval split.

    Args:
      experiment: of which only the sections that make a model count, so that a changed threshold
        does not train anew.
      examples: output of ImageExampleGen.
      transform_graph: output of Transform.
      schema: of the examples.
      checkpoint_directory: where trainings keep what they go on from; it outlives failed executions. None keeps
        nothing.
      hyperparameters: output of the Tuner; they go before the experiment's own.
      base_model: the model that a warm start goes on from.
      base_weights: file of the base's weights, where another experiment gives them.
    """
    return Trainer(
        run_fn=_RUN_FN,
        examples=examples,
        transform_graph=transform_graph,
        schema=schema,
        base_model=base_model,
        hyperparameters=hyperparameters,
        train_args=trainer_pb2.TrainArgs(splits=["train"]),
        eval_args=trainer_pb2.EvalArgs(splits=["eval"]),
        custom_config={
            "labels": experiment.data.labels,
            "preprocessing": experiment.resolved_preprocessing().model_dump_json(),
            "augmentation": experiment.augmentation.model_dump_json(),
            "model": experiment.model.model_dump_json(),
            "training": experiment.training.model_dump_json(),
            "export": experiment.export.model_dump_json(),
            "base_weights": base_weights,
            "checkpoint_directory": checkpoint_directory,
            "experiment": _identity(experiment),
            "code_digest": code_digest("trainer"),
        },
    )


def _identity(experiment: Experiment) -> str:
    """What made the model, as JSON: the sections and their digest."""
    sections = experiment.model_dump(mode="json", include=_WHAT_MAKES_A_MODEL, exclude=_WHAT_ONLY_JUDGES)
    digest = hashlib.sha256(json.dumps(sections, sort_keys=True).encode()).hexdigest()
    return json.dumps({"digest": digest, "experiment": sections}, indent=1, sort_keys=True)
