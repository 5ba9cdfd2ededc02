from __future__ import annotations

from pathlib import Path

import pytest
from ml_metadata import metadata_store
from ml_metadata.proto import metadata_store_pb2
from tfx import types
from tfx.types import standard_artifacts

from components.trainer.warm_start import LastBlessedOfOtherData


class Lineage:
    """Examples, and models that learned from them, in a real store."""

    def __init__(self, directory: Path) -> None:
        config = metadata_store_pb2.ConnectionConfig()
        config.sqlite.filename_uri = str(directory / "metadata.db")
        config.sqlite.connection_mode = metadata_store_pb2.SqliteMetadataSourceConfig.READWRITE_OPENCREATE
        self.store = metadata_store.MetadataStore(config)
        self._artifact = self.store.put_artifact_type(metadata_store_pb2.ArtifactType(name="Any"))
        self._execution = self.store.put_execution_type(metadata_store_pb2.ExecutionType(name="Trainer"))
        self.models: list[types.Artifact] = []
        self.blessings: list[types.Artifact] = []

    def examples(self) -> types.Artifact:
        return self._new(standard_artifacts.Examples)

    def model_of(self, examples: types.Artifact, is_blessed: bool = True) -> types.Artifact:
        """A model that an execution has made from examples, judged after it."""
        model, blessing = self._new(standard_artifacts.Model), self._new(standard_artifacts.ModelBlessing)
        execution = metadata_store_pb2.Execution(type_id=self._execution)
        kinds = metadata_store_pb2.Event
        events = [
            (metadata_store_pb2.Artifact(id=artifact.id, type_id=self._artifact), kinds(type=kind))
            for artifact, kind in ((examples, kinds.INPUT), (model, kinds.OUTPUT))
        ]
        self.store.put_execution(execution, events, [])
        blessing.set_int_custom_property("blessed", int(is_blessed))
        blessing.set_int_custom_property("current_model_id", model.id)
        self.models.append(model)
        self.blessings.append(blessing)
        return model

    def start_for(self, examples: types.Artifact) -> list[types.Artifact]:
        """The model that a training on these examples goes on from, in a list; or an empty one."""
        inputs = {"model": self.models, "model_blessing": self.blessings, "examples": [examples]}
        return LastBlessedOfOtherData().resolve_artifacts(self.store, inputs)["model"]

    def _new(self, kind: type[types.Artifact]) -> types.Artifact:
        artifact = kind()
        [artifact.id] = self.store.put_artifacts([metadata_store_pb2.Artifact(type_id=self._artifact)])
        return artifact


@pytest.fixture
def lineage(tmp_path: Path) -> Lineage:
    return Lineage(tmp_path)


def test_a_first_training_has_no_start(lineage: Lineage) -> None:
    """Where nothing was blessed there is no model to go on from, and a refused one is none."""
    examples = lineage.examples()
    assert lineage.start_for(examples) == []
    lineage.model_of(examples, is_blessed=False)
    assert lineage.start_for(lineage.examples()) == []


def test_new_data_goes_on_from_the_model_blessed_last(lineage: Lineage) -> None:
    """Of several, the newest that was blessed."""
    lineage.model_of(lineage.examples())
    second = lineage.model_of(lineage.examples())
    lineage.model_of(lineage.examples(), is_blessed=False)
    assert lineage.start_for(lineage.examples()) == [second]


def test_the_same_data_has_the_same_start_as_before(lineage: Lineage) -> None:
    """A model that learned from the data at hand is passed over, so that nothing new trains nothing."""
    first = lineage.model_of(lineage.examples())
    newer = lineage.examples()
    assert lineage.start_for(newer) == [first]
    lineage.model_of(newer)
    assert lineage.start_for(newer) == [first]
