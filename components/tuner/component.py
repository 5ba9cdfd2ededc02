"""Declares the stage that searches for hyperparameters before the training."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from components.code_digest import code_digest
from components.errors import TrainingError
from components.tuner.executor import Executor
from schemas.backbones import BACKBONES
from schemas.training import Checkpoints, Objectives, Training

if TYPE_CHECKING:
    from schemas.experiment import Experiment

_BACKBONE = "model.backbone"


class ImageTunerSpec(types.ComponentSpec):
    """Inputs: examples, their graph and schema, a model to start from. Outputs: what was found."""

    INPUTS = {
        "examples": component_spec.ChannelParameter(type=standard_artifacts.Examples),
        "transform_graph": component_spec.ChannelParameter(type=standard_artifacts.TransformGraph),
        "schema": component_spec.ChannelParameter(type=standard_artifacts.Schema),
        "base_model": component_spec.ChannelParameter(type=standard_artifacts.Model, optional=True),
    }
    OUTPUTS = {
        "best_hyperparameters": component_spec.ChannelParameter(type=standard_artifacts.HyperParameters),
        "tuner_results": component_spec.ChannelParameter(type=standard_artifacts.TunerResults),
    }
    PARAMETERS = {
        "tuning": component_spec.ExecutionParameter(type=str),
        "labels": component_spec.ExecutionParameter(type=str),
        "preprocessing": component_spec.ExecutionParameter(type=str),
        "augmentation": component_spec.ExecutionParameter(type=str),
        "model": component_spec.ExecutionParameter(type=str),
        "training": component_spec.ExecutionParameter(type=str),
        "base_weights": component_spec.ExecutionParameter(type=str),
        "checkpoint_directory": component_spec.ExecutionParameter(type=str),
        "code_digest": component_spec.ExecutionParameter(type=str),
    }


class ImageTuner(base_component.BaseComponent):
    """Sweeps the learning rate, searches, cross-validates: as much of it as the experiment asks for.

    Output `best_hyperparameters`: a `keras_tuner.HyperParameters`, as TFX's Trainer takes it. Output `tuner_results`: a
    table of all short trainings as JSON and CSV, and a summary.
    """

    SPEC_CLASS = ImageTunerSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        experiment: Experiment,
        examples: types.BaseChannel,
        transform_graph: types.BaseChannel,
        schema: types.BaseChannel,
        checkpoint_directory: str,
        *,
        base_model: types.BaseChannel | None = None,
        base_weights: str | None = None,
    ) -> None:
        """Declares the stage.

        Args:
          experiment: of which only what short trainings read counts.
          examples: output of ImageExampleGen.
          transform_graph: output of Transform.
          schema: of the examples.
          checkpoint_directory: where a killed search goes on from; it outlives failed executions.
          base_model: the model that trainings go on from.
          base_weights: file of the base's weights, where another experiment gives them.

        Raises:
          TrainingError: the search tries backbones that want their pixels scaled differently.
        """
        _refuse_several_scalings(experiment)
        super().__init__(
            ImageTunerSpec(
                examples=examples,
                transform_graph=transform_graph,
                schema=schema,
                base_model=base_model,
                tuning=experiment.tuning.model_dump_json(),
                labels=json.dumps(experiment.data.labels),
                preprocessing=experiment.resolved_preprocessing().model_dump_json(),
                augmentation=experiment.augmentation.model_dump_json(),
                model=experiment.model.model_dump_json(),
                training=_read_by_trials(experiment).model_dump_json(),
                base_weights=base_weights or "",
                checkpoint_directory=checkpoint_directory,
                code_digest=code_digest("tuner"),
                best_hyperparameters=types.Channel(type=standard_artifacts.HyperParameters),
                tuner_results=types.Channel(type=standard_artifacts.TunerResults),
            )
        )


def image_tuner(
    experiment: Experiment,
    examples: types.BaseChannel,
    transform_graph: types.BaseChannel,
    schema: types.BaseChannel,
    checkpoint_directory: str,
    *,
    base_model: types.BaseChannel | None = None,
    base_weights: str | None = None,
) -> ImageTuner | None:
    """The stage, where the experiment asks for anything to be searched for. For the arguments see `ImageTuner`."""
    if not experiment.tuning.is_needed:
        return None
    tuner = ImageTuner(
        experiment,
        examples,
        transform_graph,
        schema,
        checkpoint_directory,
        base_model=base_model,
        base_weights=base_weights,
    )
    return tuner.with_id("Tuner")


def _read_by_trials(experiment: Experiment) -> Training:
    """The section without what no short training reads, so that a change of it searches no second time."""
    training, folds = experiment.training, experiment.tuning.cross_validation
    is_read = folds is not None and folds.epochs is None
    return training.model_copy(
        update={
            "epochs": training.epochs if is_read else Training().epochs,
            "objectives": Objectives(divergence=training.objectives.divergence),
            "checkpoints": Checkpoints(),
            "initialization": None,
            "transfer": training.transfer and training.transfer.model_copy(update={"control": None}),
            "workers": 1,
        }
    )


def _refuse_several_scalings(experiment: Experiment) -> None:
    searched = experiment.tuning.search.space.get(_BACKBONE) if experiment.tuning.search else None
    if experiment.preprocessing.normalization != "auto" or not isinstance(searched, tuple):
        return
    wanted = {str(name): BACKBONES[str(name)].normalization for name in (experiment.model.backbone, *searched)}
    if len(set(wanted.values())) > 1:
        listed = ", ".join(f"{name}: {normalization}" for name, normalization in wanted.items())
        raise TrainingError(
            f"tuning.search.space: the backbones are made for several normalizations ({listed}), and all trials share"
            " one; state preprocessing.normalization"
        )
