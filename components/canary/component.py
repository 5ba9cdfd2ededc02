"""Declares the stage that tries a model before it is pushed."""

from __future__ import annotations

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from components.canary.executor import Executor
from components.code_digest import code_digest
from schemas.canary import Canary


class ImageCanarySpec(types.ComponentSpec):
    """Inputs: the model, held-out examples, the Transform graph. Output: whether it serves well."""

    INPUTS = {
        "model": component_spec.ChannelParameter(type=standard_artifacts.Model),
        "examples": component_spec.ChannelParameter(type=standard_artifacts.Examples),
        "transform_graph": component_spec.ChannelParameter(type=standard_artifacts.TransformGraph),
    }
    OUTPUTS = {"infra_blessing": component_spec.ChannelParameter(type=standard_artifacts.InfraBlessing)}
    PARAMETERS = {
        "canary": component_spec.ExecutionParameter(type=str),
        "split": component_spec.ExecutionParameter(type=str),
        "code_digest": component_spec.ExecutionParameter(type=str),
    }


class ImageCanary(base_component.BaseComponent):
    """In place of TFX's InfraValidator, which needs Docker: the model is loaded by a process of its own."""

    SPEC_CLASS = ImageCanarySpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        canary: Canary,
        split: str,
        model: types.BaseChannel,
        examples: types.BaseChannel,
        transform_graph: types.BaseChannel,
    ) -> None:
        """Declares the stage.

        Args:
          canary: the experiment's section.
          split: held-out, to take images from.
          model: the Trainer's output.
          examples: output of ImageExampleGen.
          transform_graph: output of Transform.
        """
        super().__init__(
            ImageCanarySpec(
                canary=canary.model_dump_json(),
                split=split,
                code_digest=code_digest("canary"),
                model=model,
                examples=examples,
                transform_graph=transform_graph,
                infra_blessing=types.Channel(type=standard_artifacts.InfraBlessing),
            )
        )


def image_canary(
    canary: Canary,
    split: str,
    model: types.BaseChannel,
    examples: types.BaseChannel,
    transform_graph: types.BaseChannel,
) -> ImageCanary:
    """The stage, under its short name; arguments as of `ImageCanary`."""
    return ImageCanary(canary, split, model, examples, transform_graph).with_id("Canary")
