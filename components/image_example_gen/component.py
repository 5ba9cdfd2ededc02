"""Declares the stage that reads images."""

from __future__ import annotations

from tfx import types
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from components.code_digest import code_digest
from components.image_example_gen.driver import Driver
from components.image_example_gen.executor import Executor
from schemas.data import Data


class ImageExampleGenSpec(types.ComponentSpec):
    """Parameters: what ingestion reads of the experiment's `data` as JSON, two places, the code's digest."""

    INPUTS: dict[str, component_spec.ChannelParameter] = {}
    OUTPUTS = {"examples": component_spec.ChannelParameter(type=standard_artifacts.Examples)}
    PARAMETERS = {
        "data": component_spec.ExecutionParameter(type=str),
        "source": component_spec.ExecutionParameter(type=str),
        "quarantine": component_spec.ExecutionParameter(type=str),
        "code_digest": component_spec.ExecutionParameter(type=str),
    }


class ImageExampleGen(base_beam_component.BaseBeamComponent):
    """Reads TFRecords or image files into examples with canonical features, split by content.

    Output `examples`: splits train, eval and test; beside them `facts/`, what is known of each image,
    and `ingestion.json`, what was counted and refused.
    """

    SPEC_CLASS = ImageExampleGenSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)
    DRIVER_CLASS = Driver

    def __init__(self, data: Data, source: str, quarantine: str) -> None:
        """Declares the stage.

        Args:
          data: the experiment's section.
          source: directory or manifest.
          quarantine: directory for the examples that cannot be used.
        """
        super().__init__(
            ImageExampleGenSpec(
                data=data.model_dump_json(exclude={"quarantine": {"max_fraction"}}),
                source=source,
                quarantine=quarantine,
                code_digest=code_digest("image_example_gen"),
                examples=types.Channel(type=standard_artifacts.Examples),
            )
        )
