"""Declares the stage that publishes a blessed model."""

from __future__ import annotations

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from components.code_digest import code_digest
from components.pusher.executor import Executor
from schemas.push import Push


class AtomicPusherSpec(types.ComponentSpec):
    """Inputs: the model and its blessings. Output: what was pushed, and where."""

    INPUTS = {
        "model": component_spec.ChannelParameter(type=standard_artifacts.Model),
        "model_blessing": component_spec.ChannelParameter(type=standard_artifacts.ModelBlessing),
        "infra_blessing": component_spec.ChannelParameter(type=standard_artifacts.InfraBlessing, optional=True),
    }
    OUTPUTS = {"pushed_model": component_spec.ChannelParameter(type=standard_artifacts.PushedModel)}
    PARAMETERS = {
        "serving_directory": component_spec.ExecutionParameter(type=str),
        "push": component_spec.ExecutionParameter(type=str),
        "model_name": component_spec.ExecutionParameter(type=str),
        "code_digest": component_spec.ExecutionParameter(type=str),
    }


class AtomicPusher(base_component.BaseComponent):
    """Puts a blessed model where a model server finds it, in one rename."""

    SPEC_CLASS = AtomicPusherSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        name: str,
        push: Push,
        serving_directory: str,
        model: types.BaseChannel,
        model_blessing: types.BaseChannel,
        infra_blessing: types.BaseChannel | None = None,
    ) -> None:
        """Declares the stage.

        Args:
          name: of the model, as clients ask a server for it.
          push: what is kept, and what a model server is told.
          serving_directory: parent of the version directories, a local path or one at gs:// or s3://.
          model: the Trainer's output.
          model_blessing: the Evaluator's output.
          infra_blessing: the Canary's output; None where models are not tried.
        """
        super().__init__(
            AtomicPusherSpec(
                serving_directory=serving_directory,
                push=push.model_dump_json(),
                model_name=name,
                code_digest=code_digest("pusher"),
                model=model,
                model_blessing=model_blessing,
                infra_blessing=infra_blessing,
                pushed_model=types.Channel(type=standard_artifacts.PushedModel),
            )
        )
