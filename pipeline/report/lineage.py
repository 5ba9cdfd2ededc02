"""Where artifacts come from, as ML Metadata knows it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from ml_metadata.proto import metadata_store_pb2
from tfx import types

from pipeline.metadata import PatientMetadata

_INPUTS = (metadata_store_pb2.Event.INPUT, metadata_store_pb2.Event.DECLARED_INPUT)
_MILLISECONDS = 1000


@dataclass(frozen=True)
class Origin:
    """How an artifact came about."""

    artifact: int
    type_name: str
    uri: str
    node: str
    """The stage that made it."""
    execution: int
    when: datetime
    inputs: dict[str, tuple[int, ...]]
    """Ids of the artifacts that the stage read, by the input's name."""
    input_uris: dict[str, str]
    """Of the first artifact of each."""


def origins(connection: metadata_store_pb2.ConnectionConfig, artifacts: Sequence[types.Artifact]) -> list[Origin]:
    """Looks up which execution made each artifact, and from what.

    Args:
      connection: to ML Metadata.
      artifacts: as an execution returned them; those that none made are left out.
    """
    if not artifacts:
        return []
    with PatientMetadata(connection) as handle:
        store = handle.store
        stored = {item.id: item for item in store.get_artifacts_by_id([artifact.id for artifact in artifacts])}
        makers = {
            event.artifact_id: event.execution_id
            for event in store.get_events_by_artifact_ids(list(stored))
            if event.type == metadata_store_pb2.Event.OUTPUT
        }
        executions = {item.id: item for item in store.get_executions_by_id(sorted(set(makers.values())))}
        inputs: dict[int, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        for event in store.get_events_by_execution_ids(list(executions)):
            if event.type in _INPUTS:
                inputs[event.execution_id][event.path.steps[0].key].append(event.artifact_id)
        read = sorted({id for named in inputs.values() for ids in named.values() for id in ids})
        uris = {item.id: item.uri for item in store.get_artifacts_by_id(read)} if read else {}
    return [
        Origin(
            artifact=id,
            type_name=stored[id].type,
            uri=stored[id].uri,
            node=stored[id].uri.rstrip("/").split("/")[-3],
            execution=execution,
            when=datetime.fromtimestamp(executions[execution].create_time_since_epoch / _MILLISECONDS, timezone.utc),
            inputs={name: tuple(ids) for name, ids in inputs[execution].items()},
            input_uris={name: uris[ids[0]] for name, ids in inputs[execution].items()},
        )
        for id, execution in makers.items()
    ]
