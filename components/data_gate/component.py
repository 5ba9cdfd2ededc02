"""Declares the stage that stops a run whose data cannot be trusted."""

from __future__ import annotations

import hashlib

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.dsl.io import fileio
from tfx.types import component_spec, standard_artifacts

from components.code_digest import code_digest
from components.data_gate.artifact import DataVerdict
from components.data_gate.executor import Executor
from components.errors import DataError
from schemas.data import Data
from schemas.gate import Gate


class DataGateSpec(types.ComponentSpec):
    """Inputs: examples, their statistics, the schema, statistics of other data. Output: the verdict."""

    INPUTS = {
        "examples": component_spec.ChannelParameter(type=standard_artifacts.Examples),
        "statistics": component_spec.ChannelParameter(type=standard_artifacts.ExampleStatistics),
        "schema": component_spec.ChannelParameter(type=standard_artifacts.Schema),
        "previous_statistics": component_spec.ChannelParameter(
            type=standard_artifacts.ExampleStatistics, optional=True
        ),
    }
    OUTPUTS = {"verdict": component_spec.ChannelParameter(type=DataVerdict)}
    PARAMETERS = {
        "data": component_spec.ExecutionParameter(type=str),
        "gate": component_spec.ExecutionParameter(type=str),
        "serving_digest": component_spec.ExecutionParameter(type=str),
        "code_digest": component_spec.ExecutionParameter(type=str),
    }


class DataGate(base_component.BaseComponent):
    """Compares the data with the schema and with the experiment's limits.

    Output `verdict`: whether the run may go on, and every finding. The execution loop acts on it,
    so that a verdict is cached like any result.
    """

    SPEC_CLASS = DataGateSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        data: Data,
        gate: Gate,
        examples: types.BaseChannel,
        statistics: types.BaseChannel,
        schema: types.BaseChannel,
        previous_statistics: types.BaseChannel | None = None,
    ) -> None:
        """Declares the stage.

        Args:
          data: the experiment's section.
          gate: the experiment's section.
          examples: output of ImageExampleGen.
          statistics: output of StatisticsGen over them.
          schema: curated or inferred.
          previous_statistics: of the last other data that passed, for drift; may be empty.

        Raises:
          DataError: the statistics in `gate.serving_statistics` are not there.
        """
        super().__init__(
            DataGateSpec(
                data=data.model_dump_json(),
                gate=gate.model_dump_json(),
                serving_digest=_content_digest(gate.serving_statistics),
                code_digest=code_digest("data_gate"),
                examples=examples,
                statistics=statistics,
                schema=schema,
                previous_statistics=previous_statistics,
                verdict=types.Channel(type=DataVerdict),
            )
        )


def _content_digest(path: str | None) -> str:
    """Of a file that TFX's cache would know by its path alone."""
    if path is None:
        return ""
    if not fileio.exists(path):
        raise DataError(f"gate.serving_statistics: no such file: {path}")
    with fileio.open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()
