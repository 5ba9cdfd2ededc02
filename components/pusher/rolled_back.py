"""Which models were taken back from where they were pushed. Loads no TensorFlow."""

from __future__ import annotations

from functools import cached_property

from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2

from components.lineage import PUSHED_DESTINATION, PUSHED_MODEL
from components.pusher.history import PUBLISHED, ROLLED_BACK, Known, known_versions
from components.pusher.naming import version_of
from components.pusher.serving_directory import ServingDirectory


class RolledBackModels:
    """Models that were pushed and whose versions are served no more, for somebody rolled one back.

    The directory says what was rolled back, ML Metadata which model that was. The directory is not read for a model
    that was never pushed to it, nor its history for one whose version is there.
    """

    def __init__(self, store: MetadataStore, serving: ServingDirectory) -> None:
        """Reads nothing yet.

        Args:
          store: in which pushes are recorded.
          serving: where they went.
        """
        self._store = store
        self._serving = serving

    def __contains__(self, model: object) -> bool:
        """Whether the model with this id is one of them.

        Raises:
          StageError, OSError: the serving directory cannot be read.
        """
        states = {self._state(version) for version in self._versions_of(model)}
        return ROLLED_BACK in states and PUBLISHED not in states

    def _versions_of(self, model: object) -> set[int]:
        """Under which the model was pushed to the directory; those that are gone from the workspace count too."""
        events = metadata_store_pb2.Event
        readers = {item.execution_id for item in self._events_of_artifact(model) if item.type == events.INPUT}
        made = self._store.get_events_by_execution_ids(sorted(readers)) if readers else []
        ids = {item.artifact_id for item in made if item.type == events.OUTPUT}
        prefix = f"{self._serving.location}/"
        found = (
            version_of(artifact.custom_properties[PUSHED_DESTINATION].string_value, prefix)
            for artifact in self._store.get_artifacts_by_id(sorted(ids))
            if artifact.type == PUSHED_MODEL
        )
        return {version for version in found if version is not None}

    def _events_of_artifact(self, artifact: object) -> list[metadata_store_pb2.Event]:
        events: list[metadata_store_pb2.Event] = self._store.get_events_by_artifact_ids([artifact])
        return events

    def _state(self, version: int) -> str | None:
        if version in self._published:
            return PUBLISHED
        if version in self._withdrawn:
            return ROLLED_BACK
        known = self._known.get(version)
        return known.state if known else None

    @cached_property
    def _published(self) -> list[int]:
        return self._serving.versions()

    @cached_property
    def _withdrawn(self) -> list[int]:
        return self._serving.rolled_back()

    @cached_property
    def _known(self) -> dict[int, Known]:
        return known_versions(self._serving.events())
