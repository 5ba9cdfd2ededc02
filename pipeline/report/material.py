"""What a report is made from: the run's record, and what its stages left. Each is read once, when first asked for."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pipeline.paths import Paths
from pipeline.record import RunRecord
from schemas.experiment import Experiment

if TYPE_CHECKING:
    import pyarrow as pa
    from ml_metadata.proto import metadata_store_pb2
    from tfx.types import Artifact

    from components.image_example_gen.report import IngestionReport
    from pipeline.artifacts import Artifacts
    from pipeline.report.lineage import Origin

_CANARY_NAME = "canary.json"


@dataclass(frozen=True)
class Material:
    """A run and its results; what it did not come to is None or empty."""

    record: RunRecord
    experiment: Experiment
    paths: Paths
    outputs: Mapping[str, Sequence[Artifact]] = field(default_factory=dict)
    """Artifacts by the name of the output, new or cached."""
    connection: metadata_store_pb2.ConnectionConfig | None = None
    """To ML Metadata."""
    artifacts: Artifacts | None = None
    """Where they are kept; None where they are at hand."""

    def uri(self, output: str) -> str | None:
        """Where an output lies."""
        artifacts = self.outputs.get(output)
        return str(artifacts[0].uri) if artifacts else None

    @cached_property
    def ingestion(self) -> IngestionReport | None:
        """What ingestion counted."""
        from components.image_example_gen.report import read_report

        uri = self.uri("examples")
        return read_report(uri) if uri else None

    @cached_property
    def labels(self) -> list[str]:
        """Names of the classes."""
        return self.ingestion.labels(self.experiment.data.labels) if self.ingestion else []

    @cached_property
    def facts(self) -> pa.Table | None:
        """A row for each example: its split, label and size, its brightness and others."""
        from components.image_example_gen.facts import SPLIT, read_all_facts
        from schemas import features

        columns = (SPLIT, features.LABEL, features.FORMAT, features.HEIGHT, features.WIDTH, features.CHANNELS)
        uri = self.uri("examples")
        return read_all_facts(uri, (*columns, features.NUM_BYTES, features.MEAN)) if uri else None

    @cached_property
    def history(self) -> dict[str, list[float]]:
        """The training's figures, epoch by epoch."""
        from pipeline.trained import history_of

        return history_of(self.outputs["model_run"][0]) if "model_run" in self.outputs else {}

    @cached_property
    def baseline_metrics(self) -> dict[str, float]:
        """Of the last blessed model, over the same images."""
        from components.evaluator.outcome import read_baseline_metrics

        uri = self.uri("evaluation")
        return read_baseline_metrics(uri) if uri else {}

    @cached_property
    def slices(self) -> dict[str, dict[str, dict[str, float]]]:
        """Metrics by what the split is parted by, the part and the metric."""
        from components.evaluator.outcome import read_slices

        uri = self.uri("evaluation")
        return read_slices(uri) if uri else {}

    @property
    def class_metrics(self) -> dict[str, dict[str, float]]:
        """Metrics by class and metric."""
        from components.evaluator.configuration import BY_LABEL

        return self.slices.get(BY_LABEL, {})

    @cached_property
    def predictions(self) -> pa.Table | None:
        """What the model said of each image of the evaluated split."""
        from components.evaluator.predictions import read_predictions

        uri = self.uri("evaluation")
        return read_predictions(uri) if uri else None

    @cached_property
    def canary(self) -> dict[str, Any] | None:
        """The canary's checks, figures and budgets."""
        from tfx.dsl.io import fileio

        uri = self.uri("infra_blessing")
        path = posixpath.join(uri, _CANARY_NAME) if uri else None
        if path is None or not fileio.exists(path):
            return None
        with fileio.open(path) as file:
            return json.loads(file.read())

    @cached_property
    def origins(self) -> list[Origin]:
        """Where each output comes from, in the order of the stages."""
        from pipeline.report.lineage import origins

        if self.connection is None:
            return []
        return origins(self.connection, [artifact for artifacts in self.outputs.values() for artifact in artifacts])

    def input_uri(self, output: str, name: str) -> str | None:
        """Where an input lies of the stage that made an output."""
        artifacts = self.outputs.get(output)
        made = [origin for origin in self.origins if artifacts and origin.artifact == artifacts[0].id]
        uri = made[0].input_uris.get(name) if made else None
        if uri and self.artifacts:
            self.artifacts.fetch(uri)
        return uri

    def label(self, index: int) -> str:
        """The name of a class; its number where it has none."""
        return self.labels[index] if 0 <= index < len(self.labels) else str(index)
