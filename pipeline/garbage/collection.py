"""Finds what of an experiment's workspace nothing needs any more, and removes it. Loads no TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2

from components.pusher.rolled_back import RolledBackModels
from pipeline.garbage.inventory import runs_of, take_inventory
from pipeline.garbage.item import KINDS, REPORTS, RUNS, Item
from pipeline.garbage.needs import Lineage, needs_of
from pipeline.garbage.removal import remove
from pipeline.paths import Paths
from pipeline.report.index import write_index
from pipeline.versions import serving_of
from schemas.experiment import Experiment

FOUND = "found"
REMOVED = "removed"
INCOMPLETE = "incomplete"


@dataclass(frozen=True)
class Collection:
    """What was found, and what became of it."""

    status: str
    """`found`, `removed`, or `incomplete` where something could not be removed."""
    items: tuple[Item, ...]
    failures: tuple[str, ...] = ()

    @property
    def unneeded(self) -> list[Item]:
        """What is removed, or would be."""
        return [item for item in self.items if item.kept_for is None]

    @property
    def num_bytes(self) -> int:
        """Of what is removed, or would be."""
        return sum(item.num_bytes for item in self.unneeded)

    def to_json(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        return {
            "status": self.status,
            "bytes": self.num_bytes,
            "removed": {kind: _counted([item for item in self.unneeded if item.kind == kind]) for kind in KINDS},
            "kept": {
                kind: {reason: _counted(items) for reason, items in reasons.items()}
                for kind, reasons in self.kept().items()
            },
            "paths": [str(item.path) for item in self.unneeded],
            "failures": list(self.failures),
        }

    def kept(self) -> dict[str, dict[str, list[Item]]]:
        """What is kept, by kind and by who needs it."""
        found: dict[str, dict[str, list[Item]]] = {kind: {} for kind in KINDS}
        for item in self.items:
            if item.kept_for is not None:
                found[item.kind].setdefault(item.kept_for, []).append(item)
        return found


def collect(experiment: Experiment, paths: Paths, keep: int, delete: bool) -> Collection:
    """Looks through a workspace, while no run is under way in it.

    Args:
      experiment: validated.
      paths: where its results are.
      keep: how many of the newest runs are kept whole.
      delete: remove what nothing needs; False only looks.

    Raises:
      StageError, OSError: the serving directory cannot be read, or the workspace.
    """
    serving = serving_of(experiment, paths)
    versions = {*serving.versions(), *serving.rolled_back()}
    store = _open(paths.metadata)
    lineage = Lineage(store)
    runs = runs_of(paths, keep, versions)
    needs = needs_of(lineage, runs.kept, versions, RolledBackModels(store, serving))
    local = None if "://" in serving.location else Path(serving.location)
    items = tuple(take_inventory(paths, lineage, needs, runs, local))
    found = Collection(FOUND, items)
    if not delete:
        return found
    failures = remove(found.unneeded, store, serving)
    if any(item.kind in (RUNS, REPORTS) for item in found.unneeded):
        write_index(experiment, paths)
    return Collection(INCOMPLETE if failures else REMOVED, items, tuple(failures))


def _open(database: Path) -> MetadataStore:
    config = metadata_store_pb2.ConnectionConfig()
    config.sqlite.filename_uri = str(database)
    return MetadataStore(config)


def _counted(items: list[Item]) -> dict[str, int]:
    return {"count": len(items), "bytes": sum(item.num_bytes for item in items)}
