"""Compares what lies in a workspace with what ML Metadata knows of it."""

from __future__ import annotations

from pathlib import Path

from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2

from components.pusher import naming

_ENDED = {
    metadata_store_pb2.Execution.COMPLETE,
    metadata_store_pb2.Execution.CACHED,
    metadata_store_pb2.Execution.FAILED,
}


def store_at(database: Path) -> MetadataStore:
    """Opens a run's ML Metadata."""
    config = metadata_store_pb2.ConnectionConfig()
    config.sqlite.filename_uri = str(database)
    return MetadataStore(config)


def assert_nothing_is_left_half_done(root: Path) -> None:
    """Every execution has ended, and what lies in `artifacts/` is what was published.

    Args:
      root: the experiment's directory in the workspace.
    """
    store = store_at(root / "metadata.db")
    executions = store.get_executions()
    assert executions
    unfinished = [execution.id for execution in executions if execution.last_known_state not in _ENDED]
    assert not unfinished
    live = metadata_store_pb2.Artifact.LIVE
    published = {artifact.uri for artifact in store.get_artifacts() if artifact.state == live}
    on_disk = {str(path) for path in (root / "artifacts").absolute().glob("*/[!.]*/*")}
    assert on_disk == published
    half_done = (naming.STAGING, naming.REMOVED, naming.WRITING)
    assert not [path for path in (root / "serving").glob(".*") if path.name.startswith(half_done)]
