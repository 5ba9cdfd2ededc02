"""TFX's Launcher, for which nothing is finished that a loss of power could still take back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tfx import types
from tfx.orchestration.portable import launcher

from components.durability import sync, sync_tree
from schemas.listing import is_remote


class DurableLauncher(launcher.Launcher):
    """Brings a node's outputs to the disk before ML Metadata says that they are complete, and this too."""

    def _publish_successful_execution(
        self, execution_id: int, contexts: Any, output_dict: Any, executor_output: Any
    ) -> None:
        root = self._pipeline_runtime_spec.pipeline_root.field_value.string_value
        for artifacts in output_dict.values():
            for artifact in artifacts:
                sync_output(artifact, root)
        super()._publish_successful_execution(execution_id, contexts, output_dict, executor_output)
        database = self._mlmd_connection.connection_config.sqlite.filename_uri
        if database:
            # While SQLite's journal seems to be there, the next one who opens the database takes the last change back.
            sync(Path(database).parent)


def sync_output(artifact: types.Artifact, root: str) -> None:
    """Brings all that an output artifact holds to the disk, and the directories above it.

    Args:
      artifact: one at a remote place, such as gs://, is left alone.
      root: of all artifacts; directories above it are left alone.

    Raises:
      OSError: the disk fails.
    """
    place = Path(artifact.uri)
    if is_remote(artifact.uri) or not place.exists():
        return
    if place.is_dir():
        sync_tree(place)
    else:
        sync(place)
    for parent in place.parents:
        if not parent.is_relative_to(root):
            break
        sync(parent)
