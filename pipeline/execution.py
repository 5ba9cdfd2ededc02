"""Launches one node of a compiled pipeline at a time, through TFX's own Launcher and ML Metadata."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ml_metadata.proto import metadata_store_pb2
from tfx import types
from tfx.dsl.compiler import compiler, constants
from tfx.dsl.io import fileio
from tfx.orchestration import metadata
from tfx.orchestration.local import runner_utils
from tfx.orchestration.pipeline import Pipeline
from tfx.orchestration.portable import launcher, runtime_parameter_utils
from tfx.orchestration.portable.mlmd import execution_lib
from tfx.proto.orchestration import pipeline_pb2

from pipeline.engine import use_this_process
from pipeline.record import CACHED, EXECUTED

_RESOLVER = "tfx.dsl.components.common.resolver.Resolver"

Outputs = Mapping[str, Sequence[types.Artifact]]


class UnresolvedInputError(Exception):
    """A node's inputs are not there."""


class NodeOutcome(NamedTuple):
    """How a node ended, and the artifacts that it or its cached twin made."""

    state: str
    outputs: Outputs


class CompiledPipeline:
    """A pipeline in TFX's intermediate representation, for one run."""

    def __init__(self, pipeline: Pipeline, run_id: str) -> None:
        """Compiles.

        Args:
          pipeline: what to run.
          run_id: names the run in ML Metadata; never used twice.
        """
        use_this_process()
        self._ir: pipeline_pb2.Pipeline = compiler.Compiler().compile(pipeline)
        runtime_parameter_utils.substitute_runtime_parameter(
            self._ir, {constants.PIPELINE_RUN_ID_PARAMETER_NAME: run_id}
        )
        self._deployment = runner_utils.extract_local_deployment_config(self._ir)
        config = self._deployment.metadata_connection_config
        self._connection = getattr(config, config.WhichOneof("connection_config"))
        self._nodes = {node.pipeline_node.node_info.id: node.pipeline_node for node in self._ir.nodes}

    @property
    def nodes(self) -> list[str]:
        """Names of all nodes, in the order in which they can run."""
        return list(self._nodes)

    @property
    def connection(self) -> metadata_store_pb2.ConnectionConfig:
        """To ML Metadata."""
        return self._connection

    def is_resolver(self, node_id: str) -> bool:
        """Whether a node only looks up artifacts and makes none."""
        return self._nodes[node_id].node_info.type.name == _RESOLVER

    def launch(self, node_id: str, from_cache: bool = True) -> NodeOutcome:
        """Runs one node, or takes its result from the cache.

        Args:
          node_id: one of `nodes`.
          from_cache: False works the node anew in any case.

        Raises:
          UnresolvedInputError: its inputs are not there.
          BaseException: whatever the node's own work raises, or what interrupts it; its outputs are
            removed then, and its execution is marked as failed.
        """
        node = self._nodes[node_id]
        node.execution_options.caching_options.enable_cache = from_cache
        try:
            execution_info = launcher.Launcher(
                pipeline_node=node,
                mlmd_connection=metadata.Metadata(self._connection),
                pipeline_info=self._ir.pipeline_info,
                pipeline_runtime_spec=self._ir.runtime_spec,
                executor_spec=runner_utils.extract_executor_spec(self._deployment, node_id),
                custom_driver_spec=runner_utils.extract_custom_driver_spec(self._deployment, node_id),
            ).launch()
        except BaseException:
            self._fail_unfinished(node_id)
            raise
        if self.is_resolver(node_id):
            return NodeOutcome(EXECUTED, {})
        return self._outcome(node_id, execution_info.execution_id)

    def annotate(self, artifact: types.Artifact, properties: Mapping[str, str | int]) -> None:
        """Keeps custom properties of an artifact that is there already."""
        with metadata.Metadata(self._connection) as handle:
            [stored] = handle.store.get_artifacts_by_id([artifact.id])
            for name, value in properties.items():
                if isinstance(value, int):
                    stored.custom_properties[name].int_value = value
                else:
                    stored.custom_properties[name].string_value = value
            handle.store.put_artifacts([stored])

    def _outcome(self, node_id: str, execution_id: int | None) -> NodeOutcome:
        with metadata.Metadata(self._connection) as handle:
            if execution_id is None:
                raise UnresolvedInputError(f"{node_id} was skipped by TFX: its inputs are not there")
            [execution] = handle.store.get_executions_by_id([execution_id])
            if not execution_lib.is_execution_successful(execution):
                raise UnresolvedInputError(f"{node_id} could not find its inputs in ML Metadata")
            was_cached = execution.last_known_state == metadata_store_pb2.Execution.CACHED
            outputs = execution_lib.get_output_artifacts(handle, execution_id)
        return NodeOutcome(CACHED if was_cached else EXECUTED, outputs)

    def _fail_unfinished(self, node_id: str) -> None:
        # The Launcher looks after an executor that raises an Exception, not after drivers and interruptions.
        running = (metadata_store_pb2.Execution.NEW, metadata_store_pb2.Execution.RUNNING)
        kinds = (constants.PIPELINE_RUN_CONTEXT_TYPE_NAME, constants.NODE_CONTEXT_TYPE_NAME)
        contexts = [context for context in self._nodes[node_id].contexts.contexts if context.type.name in kinds]
        with metadata.Metadata(self._connection) as handle:
            found = [
                handle.store.get_context_by_type_and_name(context.type.name, context.name.field_value.string_value)
                for context in contexts
            ]
            if None in found:
                return
            of_run, of_node = (handle.store.get_executions_by_context(context.id) for context in found)
            own = {execution.id for execution in of_node}
            unfinished = [item for item in of_run if item.id in own and item.last_known_state in running]
            for execution in unfinished:
                execution.last_known_state = metadata_store_pb2.Execution.FAILED
                self._remove_outputs(node_id, execution.id)
            handle.store.put_executions(unfinished)

    def _remove_outputs(self, node_id: str, execution_id: int) -> None:
        root = self._ir.runtime_spec.pipeline_root.field_value.string_value
        for key in self._nodes[node_id].outputs.outputs:
            directory = os.path.join(root, node_id, key, str(execution_id))
            if fileio.exists(directory):
                fileio.rmtree(directory)
