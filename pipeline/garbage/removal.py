"""Removes what nothing needs. Loads no TensorFlow.

ML Metadata is told first, and the files go after that: neither TFX's cache nor a resolver then ever gives out an
artifact that is half away, and where this is killed in between, the next removal finds directories that no artifact
stands for.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence

from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2

from components.pusher.serving_directory import ServingDirectory
from pipeline.garbage.item import PUSHES, Item
from schemas.problems import shown_path

_BATCH = 100


def remove(items: Iterable[Item], store: MetadataStore, serving: ServingDirectory) -> list[str]:
    """Removes items, each of which nothing needs.

    Args:
      items: as `take_inventory` lists them.
      store: ML Metadata of the workspace.
      serving: whose dead pushes are among them.

    Returns:
      What could not be removed, and why.

    Raises:
      StageError, OSError: the serving directory cannot be used.
    """
    unneeded = list(items)
    _mark_deleted(store, [item.artifact for item in unneeded if item.artifact is not None])
    failures = [failure for item in unneeded if item.kind != PUSHES and (failure := _remove(item))]
    if any(item.kind == PUSHES for item in unneeded):
        # It tells the dead from those that are at work for another workspace.
        with serving.exclusive():
            pass
    return failures


def _mark_deleted(store: MetadataStore, artifacts: Sequence[int]) -> None:
    for start in range(0, len(artifacts), _BATCH):
        batch = store.get_artifacts_by_id(artifacts[start : start + _BATCH])
        for artifact in batch:
            artifact.state = metadata_store_pb2.Artifact.DELETED
        store.put_artifacts(batch)


def _remove(item: Item) -> str | None:
    try:
        if item.path.is_dir() and not item.path.is_symlink():
            shutil.rmtree(item.path)
        else:
            item.path.unlink(missing_ok=True)
    except OSError as error:
        return f"{shown_path(item.path)} cannot be removed: {error.strerror or error}"
    return None
