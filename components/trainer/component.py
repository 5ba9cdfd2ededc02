"""Declares TFX's Trainer with this project's training."""

from __future__ import annotations

import hashlib
import json

from tfx import types
from tfx.components.trainer.component import Trainer
from tfx.proto import trainer_pb2

from components.code_digest import code_digest
from schemas.experiment import Experiment

_RUN_FN = "components.trainer.run.run_fn"
_WHAT_MAKES_A_MODEL = {"name", "data", "preprocessing", "model", "training"}
_WHAT_ONLY_JUDGES = {"data": {"quarantine"}}


def image_trainer(
    experiment: Experiment, examples: types.BaseChannel, transform_graph: types.BaseChannel, schema: types.BaseChannel
) -> Trainer:
    """A Trainer that learns from the train split and watches the eval split.

    Args:
      experiment: of which only the sections that make a model count, so that a changed threshold
        does not train anew.
      examples: output of ImageExampleGen.
      transform_graph: output of Transform.
      schema: of the examples.
    """
    return Trainer(
        run_fn=_RUN_FN,
        examples=examples,
        transform_graph=transform_graph,
        schema=schema,
        train_args=trainer_pb2.TrainArgs(splits=["train"]),
        eval_args=trainer_pb2.EvalArgs(splits=["eval"]),
        custom_config={
            "labels": experiment.data.labels,
            "preprocessing": experiment.preprocessing.model_dump_json(),
            "model": experiment.model.model_dump_json(),
            "training": experiment.training.model_dump_json(),
            "experiment": _identity(experiment),
            "code_digest": code_digest("trainer"),
        },
    )


def _identity(experiment: Experiment) -> str:
    """What made the model, as JSON: the sections and their digest."""
    sections = experiment.model_dump(mode="json", include=_WHAT_MAKES_A_MODEL, exclude=_WHAT_ONLY_JUDGES)
    digest = hashlib.sha256(json.dumps(sections, sort_keys=True).encode()).hexdigest()
    return json.dumps({"digest": digest, "experiment": sections}, indent=1, sort_keys=True)
