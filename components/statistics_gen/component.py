"""Declares the statistics over what is known of each image."""

from __future__ import annotations

from tfx import types
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from components.code_digest import code_digest
from components.statistics_gen.executor import Executor


class ImageStatisticsSpec(types.ComponentSpec):
    """Input: examples with their facts. Output: statistics by split."""

    INPUTS = {"examples": component_spec.ChannelParameter(type=standard_artifacts.Examples)}
    OUTPUTS = {"statistics": component_spec.ChannelParameter(type=standard_artifacts.ExampleStatistics)}
    PARAMETERS = {"code_digest": component_spec.ExecutionParameter(type=str)}


class ImageStatistics(base_beam_component.BaseBeamComponent):
    """TFX's StatisticsGen over labels and facts, which are read without the images.

    Output `statistics`: as of TFX's StatisticsGen.
    """

    SPEC_CLASS = ImageStatisticsSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(self, examples: types.BaseChannel) -> None:
        """Declares the stage.

        Args:
          examples: output of ImageExampleGen.
        """
        super().__init__(
            ImageStatisticsSpec(
                code_digest=code_digest("statistics_gen"),
                examples=examples,
                statistics=types.Channel(type=standard_artifacts.ExampleStatistics),
            )
        )


def image_statistics(examples: types.BaseChannel) -> ImageStatistics:
    """The stage, under the name that TFX's has.

    Args:
      examples: output of ImageExampleGen.
    """
    return ImageStatistics(examples).with_id("StatisticsGen")
