"""Launches one node of a compiled pipeline at a time, through TFX's Launcher and ML Metadata."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ml_metadata.proto import metadata_store_pb2
from tfx import types
from tfx.dsl.compiler import compiler, constants
from tfx.orchestration.local import runner_utils
from tfx.orchestration.pipeline import Pipeline
from tfx.orchestration.portable import runtime_parameter_utils
from tfx.orchestration.portable.mlmd import execution_lib
from tfx.proto.orchestration import pipeline_pb2

from pipeline.artifacts import Artifacts, LocalArtifacts
from pipeline.engine import use_this_process
from pipeline.launcher import Launcher
from pipeline.metadata import PatientMetadata
from pipeline.record import CACHED, EXECUTED
from pipeline.unfinished import give_up
from pipeline.unresolved import why_unresolved

_RESOLVER = "tfx.dsl.components.common.resolver.Resolver"

Outputs = Mapping[str, Sequence[types.Artifact]]


class NodeOutcome(NamedTuple):
    """How a node ended, and the artifacts that it or its cached twin made."""

    state: str
    outputs: Outputs


class CompiledPipeline:
    """A pipeline in TFX's intermediate representation, for one run."""

    def __init__(
        self,
        pipeline: Pipeline,
        run_id: str,
        connection: metadata_store_pb2.ConnectionConfig,
        artifacts: Artifacts | None = None,
    ) -> None:
        """Compiles.

        Args:
          pipeline: what to run.
          run_id: names the run in ML Metadata. Under the id of an earlier run, that run goes on.
          connection: to ML Metadata.
          artifacts: where they are kept. Default: on a disk, where the pipeline's root says.
        """
        use_this_process()
        self._ir: pipeline_pb2.Pipeline = compiler.Compiler().compile(pipeline)
        runtime_parameter_utils.substitute_runtime_parameter(
            self._ir, {constants.PIPELINE_RUN_ID_PARAMETER_NAME: run_id}
        )
        self._deployment = runner_utils.extract_local_deployment_config(self._ir)
        self._connection = connection
        self._artifacts = artifacts or LocalArtifacts(self.root)
        self._nodes = {node.pipeline_node.node_info.id: node.pipeline_node for node in self._ir.nodes}

    @property
    def nodes(self) -> list[str]:
        """Names of all nodes, in the order in which they can run."""
        return list(self._nodes)

    @property
    def connection(self) -> metadata_store_pb2.ConnectionConfig:
        """To ML Metadata."""
        return self._connection

    @property
    def artifacts(self) -> Artifacts:
        """Where what nodes make is kept."""
        return self._artifacts

    @property
    def root(self) -> str:
        """Where the artifacts are."""
        return str(self._ir.runtime_spec.pipeline_root.field_value.string_value)

    def is_resolver(self, node_id: str) -> bool:
        """Whether a node only looks up artifacts and makes none."""
        return self._nodes[node_id].node_info.type.name == _RESOLVER

    def finished(self) -> dict[str, NodeOutcome]:
        """How the nodes ended that this run has finished already."""
        found = {node_id: self._finished(node_id) for node_id in self._nodes}
        return {node_id: outcome for node_id, outcome in found.items() if outcome}

    def _finished(self, node_id: str) -> NodeOutcome | None:
        with self._metadata() as handle:
            done = [item for item in self._executions(handle, node_id) if execution_lib.is_execution_successful(item)]
        return self._outcome(node_id, done[-1]) if done else None

    def launch(self, node_id: str, from_cache: bool = True) -> NodeOutcome:
        """Runs one node, or takes its result from the cache.

        An earlier attempt of this run that died is taken back before.

        Args:
          node_id: one of `nodes`.
          from_cache: False works the node anew in any case.

        Raises:
          UnresolvedInputError: its inputs are not there.
          BaseException: whatever the node's own work or the look-up of its inputs raises, or what interrupts it; its
            outputs are removed then, and its execution is marked as failed.
        """
        node = self._nodes[node_id]
        node.execution_options.caching_options.enable_cache = from_cache
        self._give_up(node_id)
        try:
            execution_info = Launcher(
                pipeline_node=node,
                mlmd_connection=self._metadata(),
                pipeline_info=self._ir.pipeline_info,
                pipeline_runtime_spec=self._ir.runtime_spec,
                executor_spec=runner_utils.extract_executor_spec(self._deployment, node_id),
                custom_driver_spec=runner_utils.extract_custom_driver_spec(self._deployment, node_id),
                artifacts=self._artifacts,
            ).launch()
            execution = self._successful(node, execution_info.execution_id)
        except BaseException:
            self._give_up(node_id)
            raise
        return self._outcome(node_id, execution)

    def give_up(self) -> list[str]:
        """Ends what processes that died have left unfinished of this run; nobody may be at work on it any more.

        Returns:
          The nodes that were cut off, but for those that only look something up.
        """
        return [node_id for node_id in self._nodes if self._give_up(node_id) and not self.is_resolver(node_id)]

    def annotate(self, artifact: types.Artifact, properties: Mapping[str, str | int]) -> None:
        """Keeps custom properties of an artifact that is there already."""
        with self._metadata() as handle:
            [stored] = handle.store.get_artifacts_by_id([artifact.id])
            for name, value in properties.items():
                if isinstance(value, int):
                    stored.custom_properties[name].int_value = value
                else:
                    stored.custom_properties[name].string_value = value
            handle.store.put_artifacts([stored])

    def _successful(self, node: pipeline_pb2.PipelineNode, execution_id: int | None) -> metadata_store_pb2.Execution:
        """The execution that TFX launched a node as, where it launched one and that did not fail."""
        with self._metadata() as handle:
            executions = [] if execution_id is None else handle.store.get_executions_by_id([execution_id])
            for execution in executions:
                if execution_lib.is_execution_successful(execution):
                    return execution
            raise why_unresolved(handle, node)

    def _outcome(self, node_id: str, execution: metadata_store_pb2.Execution) -> NodeOutcome:
        if self.is_resolver(node_id):
            return NodeOutcome(EXECUTED, {})
        was_cached = execution.last_known_state == metadata_store_pb2.Execution.CACHED
        with self._metadata() as handle:
            outputs = execution_lib.get_output_artifacts(handle, execution.id)
        for made in outputs.values():
            for artifact in made:
                self._artifacts.fetch(artifact.uri)
        return NodeOutcome(CACHED if was_cached else EXECUTED, outputs)

    def _metadata(self) -> PatientMetadata:
        return PatientMetadata(self._connection)

    def _give_up(self, node_id: str) -> bool:
        # The Launcher looks after an executor that raises an Exception, not after drivers and interruptions.
        with self._metadata() as handle:
            return give_up(handle, self._executions(handle, node_id), self.root)

    def _executions(self, handle: PatientMetadata, node_id: str) -> list[metadata_store_pb2.Execution]:
        """Of one node in this run, oldest first."""
        kinds = (constants.PIPELINE_RUN_CONTEXT_TYPE_NAME, constants.NODE_CONTEXT_TYPE_NAME)
        contexts = [context for context in self._nodes[node_id].contexts.contexts if context.type.name in kinds]
        found = [
            handle.store.get_context_by_type_and_name(context.type.name, context.name.field_value.string_value)
            for context in contexts
        ]
        if None in found:
            return []
        of_run, of_node = (handle.store.get_executions_by_context(context.id) for context in found)
        own = {execution.id for execution in of_node}
        return sorted((item for item in of_run if item.id in own), key=lambda item: item.id)
