"""Power that fails right after something was done that is kept beside TFX's artifacts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from components.image_example_gen.items import Refused
from components.image_example_gen.quarantine import add_to_quarantine, publish_quarantine, quarantine_path
from components.image_example_gen.shards import Growing, make_directories
from components.image_example_gen.shards import publish as publish_files
from components.pusher.local_directory import LocalDirectory
from components.training.checkpoints import Checkpoint, CheckpointStore
from components.tuner.folds import write_folds
from components.whole_files import write_whole
from pipeline.datasets.preparation import prepare
from pipeline.ingest import write_tfrecords
from pipeline.paths import Paths
from pipeline.report.page import publish
from schemas import features
from schemas.data import Data
from tests.components.images import noise, png, serialized, write_tfrecord
from tests.components.pusher.models import push_models, write_servable
from tests.pipeline.faults.power import Disk, disk_at

pytestmark = pytest.mark.long

_MEGABYTES = 100


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Disk]:
    """With nothing on it."""
    place = tmp_path_factory.mktemp("power")
    with disk_at(place / "mounted", place / "disk.img", _MEGABYTES) as disk:
        yield disk


def keep_dataset(place: Path, source: Path) -> None:
    """An embedded data set."""
    del source
    prepare("digits", place / "datasets" / "digits")


def keep_ingested(place: Path, source: Path) -> None:
    """What the command ingest writes."""
    for number, label in enumerate(("daisy", "rose") * 2):
        (source / label).mkdir(exist_ok=True)
        (source / label / f"{number}.png").write_bytes(png(noise(6, 8, 3, number)))
    data = Data(source=str(source), format="image_folder")
    assert write_tfrecords(data, str(place / "ingested" / "flowers"), "compressed").exit_status == 0


def keep_quarantine(place: Path, source: Path) -> None:
    """Examples that cannot be used."""
    make_directories(str(source))
    with ExitStack() as stack:
        files = Growing(stack, str(source))
        refused = Refused("a.png", 0, "undecodable", "cut short", features.ENCODED, b"the original")
        add_to_quarantine(files, quarantine_path(str(source), "unit"), refused)
    publish_files(files.places)
    assert publish_quarantine(str(source), str(place / "quarantine"), "first")


def keep_checkpoint(place: Path, source: Path) -> None:
    """The state of a training."""
    del source
    CheckpointStore(place / "checkpoints" / "a", 2).write(1, Checkpoint({"weights": [np.ones((30, 30))]}, {"a": 1}))


def keep_folds(place: Path, source: Path) -> None:
    """The parts of a cross-validation."""
    digests = [hashlib.sha256(bytes([number])).digest() for number in range(9)]
    examples = [serialized({features.SHA256: digest, features.LABEL: digest[0] % 2}) for digest in digests]
    write_tfrecord(source / "examples", examples)
    place.mkdir()
    write_folds([str(source / "examples")], 3, 2, 0, place / "folds")


def keep_versions(place: Path, source: Path) -> None:
    """Two models that were pushed, the configuration and the history."""
    push_models(LocalDirectory(place / "models" / "serving"), write_servable(source / "servable"), 1, 2)


def keep_text(place: Path, source: Path) -> None:
    """A record, or the state of a search or of a schedule."""
    del source
    place.mkdir()
    write_whole(place / "record.json", "{}")


def keep_report(place: Path, source: Path) -> None:
    """A page."""
    del source
    publish("<html></html>", place / "reports" / "first.html")


def keep_workspace(place: Path, source: Path) -> None:
    """The directories of a workspace, and a record in it."""
    del source
    paths = Paths(place, "digits")
    paths.prepare()
    write_whole(paths.root / "record.json", "{}")


@pytest.mark.parametrize(
    "keep",
    [
        keep_dataset,
        keep_ingested,
        keep_quarantine,
        keep_checkpoint,
        keep_folds,
        keep_versions,
        keep_text,
        keep_report,
        keep_workspace,
    ],
)
def test_what_is_kept_outlives_a_loss_of_power(keep: Callable[[Path, Path], None], disk: Disk, tmp_path: Path) -> None:
    """As soon as the function has returned that keeps it."""
    place = disk.directory / keep.__name__
    keep(place, tmp_path)
    kept = contents_of(place)
    assert kept
    disk.lose_power()
    disk.come_back()
    assert contents_of(place).items() >= kept.items()


def contents_of(place: Path) -> dict[str, bytes]:
    """All files but those that are locked."""
    files = [path for path in sorted(place.rglob("*")) if path.is_file() and not path.name.endswith(".lock")]
    return {str(path): path.read_bytes() for path in files}
