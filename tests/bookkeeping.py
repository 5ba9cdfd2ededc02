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
_HALF_DONE = (naming.STAGING, naming.REMOVED, naming.WRITING)


def store_at(database: Path) -> MetadataStore:
    """Opens a run's ML Metadata."""
    config = metadata_store_pb2.ConnectionConfig()
    config.sqlite.filename_uri = str(database)
    return MetadataStore(config)


def problems_of(root: Path) -> list[str]:
    """Executions that have not ended, artifacts without a directory and the reverse, and halves of pushes.

    Args:
      root: the experiment's directory in the workspace.
    """
    store = store_at(root / "metadata.db")
    executions = store.get_executions()
    unfinished = [execution.id for execution in executions if execution.last_known_state not in _ENDED]
    live = metadata_store_pb2.Artifact.LIVE
    published = {artifact.uri for artifact in store.get_artifacts() if artifact.state == live}
    on_disk = {str(path) for path in (root / "artifacts").absolute().glob("*/[!.]*/*")}
    halves = [path.name for path in (root / "serving").glob(".*") if path.name.startswith(_HALF_DONE)]
    found = {
        "there are no executions": [] if executions else ["none"],
        "executions have not ended": unfinished,
        "artifacts have no directory": sorted(published - on_disk),
        "directories are no artifact's": sorted(on_disk - published),
        "pushes are half done": halves,
    }
    return [f"{what}: {', '.join(map(str, names))}" for what, names in found.items() if names]


def assert_nothing_is_left_half_done(root: Path) -> None:
    """Every execution has ended, and what lies in `artifacts/` is what was published.

    Args:
      root: the experiment's directory in the workspace.
    """
    assert not problems_of(root)
