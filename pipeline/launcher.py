"""TFX's Launcher, over artifacts that may have to be fetched, and that last before anybody is told of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tfx.orchestration.portable import launcher

from components.durability import sync
from pipeline.artifacts import Artifacts


class Launcher(launcher.Launcher):
    """Fetches a node's inputs; keeps its outputs before ML Metadata says that they are complete, and this too."""

    def __init__(self, *arguments: Any, artifacts: Artifacts, **options: Any) -> None:
        """Starts nothing yet.

        Args:
          arguments: of TFX's Launcher.
          artifacts: where they are kept.
          options: of TFX's Launcher.
        """
        super().__init__(*arguments, **options)
        self._artifacts = artifacts

    def _run_executor(self, execution_info: Any) -> Any:
        for given in execution_info.input_dict.values():
            for artifact in given:
                self._artifacts.fetch(artifact.uri)
        return super()._run_executor(execution_info)

    def _publish_successful_execution(
        self, execution_id: int, contexts: Any, output_dict: Any, executor_output: Any
    ) -> None:
        for made in output_dict.values():
            for artifact in made:
                self._artifacts.keep(artifact.uri)
        super()._publish_successful_execution(execution_id, contexts, output_dict, executor_output)
        database = self._mlmd_connection.connection_config.sqlite.filename_uri
        if database:
            # While SQLite's journal seems to be there, the next one who opens the database takes the last change back.
            sync(Path(database).parent)
