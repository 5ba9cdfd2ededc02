"""Models of a pipeline in a real ML Metadata, and their versions in a real serving directory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2
from tfx import types
from tfx.types import standard_artifacts
from tfx.types.artifact import ArtifactState

from components.lineage import BLESSED, MODEL_ID, PUSHED_DESTINATION
from components.pusher.local_directory import LocalDirectory
from components.pusher.publication import publish
from components.pusher.rollback import roll_back
from schemas.push import Push
from tests.bookkeeping import store_at

_KINDS = (
    standard_artifacts.Examples,
    standard_artifacts.Model,
    standard_artifacts.ModelBlessing,
    standard_artifacts.PushedModel,
)


class Lineage:
    """Examples, models that learned from them, what was said of these, and which were pushed."""

    def __init__(self, directory: Path, push: Push | None = None) -> None:
        """Makes the database."""
        self.store: MetadataStore = store_at(directory / "metadata.db")
        self.serving = LocalDirectory(directory / "serving")
        self.models: list[types.Artifact] = []
        self.blessings: list[types.Artifact] = []
        self._push = push or Push()
        self._servables = directory / "servables"
        self._types = {
            kind: self.store.put_artifact_type(metadata_store_pb2.ArtifactType(name=kind.TYPE_NAME)) for kind in _KINDS
        }
        self._execution = self.store.put_execution_type(metadata_store_pb2.ExecutionType(name="Any"))

    def examples(self) -> types.Artifact:
        """New ones."""
        return self._new(standard_artifacts.Examples)

    def model_of(
        self, examples: types.Artifact, is_blessed: bool = True, start: types.Artifact | None = None
    ) -> types.Artifact:
        """A model that an execution has made from examples, and from another model, judged after it."""
        model = self._new(standard_artifacts.Model)
        self._execute([examples, *([start] if start else [])], [model])
        blessing = self._new(standard_artifacts.ModelBlessing, {BLESSED: int(is_blessed), MODEL_ID: model.id})
        self._execute([model], [blessing])
        self.models.append(model)
        self.blessings.append(blessing)
        return model

    def push(self, model: types.Artifact) -> int:
        """The version as which a model is live now."""
        servable = self._servables / str(model.id)
        servable.mkdir(parents=True, exist_ok=True)
        (servable / "saved_model.pb").write_text(f"graph {model.id}")
        version = publish(servable, self.serving, self._push, "flowers").version
        pushed = self._new(standard_artifacts.PushedModel, {PUSHED_DESTINATION: f"{self.serving.location}/{version}"})
        self._execute([model], [pushed])
        return version

    def roll_back(self, to: int | None = None) -> None:
        """Makes another version live."""
        roll_back(self.serving, self._push, "flowers", to)

    def _new(self, kind: type[types.Artifact], properties: Mapping[str, int | str] | None = None) -> types.Artifact:
        artifact = kind()
        artifact.type_id = self._types[kind]
        artifact.state = ArtifactState.PUBLISHED
        for name, value in (properties or {}).items():
            if isinstance(value, int):
                artifact.set_int_custom_property(name, value)
            else:
                artifact.set_string_custom_property(name, value)
        [artifact.id] = self.store.put_artifacts([artifact.mlmd_artifact])
        return artifact

    def _execute(self, read: Iterable[types.Artifact], made: Iterable[types.Artifact]) -> None:
        [execution] = self.store.put_executions([metadata_store_pb2.Execution(type_id=self._execution)])
        kinds = metadata_store_pb2.Event
        self.store.put_events(
            kinds(artifact_id=artifact.id, execution_id=execution, type=kind)
            for artifacts, kind in ((read, kinds.INPUT), (made, kinds.OUTPUT))
            for artifact in artifacts
        )
