"""Why a node did not get its inputs: TFX's Launcher only notes that, and what a resolver fails at would be no find."""

from __future__ import annotations

from tfx.orchestration.portable import inputs_utils
from tfx.orchestration.portable.input_resolution.exceptions import InputResolutionError
from tfx.proto.orchestration import pipeline_pb2

from components.errors import PassingError
from pipeline.metadata import PatientMetadata


class UnresolvedInputError(Exception):
    """A node's inputs are not there."""


def why_unresolved(metadata: PatientMetadata, node: pipeline_pb2.PipelineNode) -> BaseException:
    """Looks the inputs of a node up again, right after TFX has failed to.

    Args:
      metadata: connected.
      node: that did not get them.

    Returns:
      What the look-up raises; PassingError where this time it does not.
    """
    name = node.node_info.id
    try:
        found = inputs_utils.resolve_input_artifacts(pipeline_node=node, metadata_handle=metadata)
    except InputResolutionError as error:
        cause: BaseException = error
        while isinstance(cause, InputResolutionError) and cause.__cause__ is not None:
            cause = cause.__cause__
        if isinstance(cause, InputResolutionError):
            return UnresolvedInputError(f"{name} could not find its inputs in ML Metadata: {cause}")
        return cause
    if isinstance(found, inputs_utils.Skip):
        return UnresolvedInputError(f"{name} was skipped by TFX: its inputs are not there")
    return PassingError(f"{name} could not look its inputs up in ML Metadata, and a moment later it could")
