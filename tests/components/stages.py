"""Stages, run as a pipeline runs them: by TFX's own Launcher, with ML Metadata."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tfx import types
from tfx.dsl.components.base.base_node import BaseNode
from tfx.orchestration.pipeline import Pipeline

from pipeline.execution import CompiledPipeline
from pipeline.metadata import file_connection


class Stages:
    """A pipeline of some stages below a directory; its runs share artifacts and cache."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._num_runs = 0
        self.outputs: dict[str, dict[str, types.Artifact]] = {}
        """By node and key, the only artifact there."""
        self.states: dict[str, str] = {}
        """By node, `executed` or `cached`."""

    def run(self, components: Sequence[BaseNode]) -> None:
        """Runs stages and those before them, anew or from the cache; raises what a stage raises."""
        self._num_runs += 1
        pipeline = Pipeline(
            pipeline_name="tested",
            pipeline_root=str(self._root / "artifacts"),
            components=list(components),
            enable_cache=True,
        )
        database = file_connection(self._root / "metadata.db")
        compiled = CompiledPipeline(pipeline, f"run-{self._num_runs}", database)
        for node in compiled.nodes:
            self.states.pop(node, None)
            outcome = compiled.launch(node)
            self.states[node] = outcome.state
            self.outputs[node] = {key: artifacts[0] for key, artifacts in outcome.outputs.items() if artifacts}

    def path(self, node: str, key: str) -> Path:
        """Where an artifact lies."""
        return Path(self.outputs[node][key].uri)
