from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from components.image_example_gen.facts import INDEX, SPLIT, read_facts
from components.image_example_gen.ingestion import IngestUnit, Plan, _batches
from components.image_example_gen.items import Refused, Stored
from components.image_example_gen.report import IngestionReport
from components.image_example_gen.shards import make_directories
from components.image_example_gen.source import SourceFile
from components.image_example_gen.splitting import SPLITS, UNASSIGNED, Shares
from components.image_example_gen.units import Entry, Unit
from schemas import features
from schemas.data import Data
from tests.components.images import noise, png, read_examples, serialized, write_tfrecord

# More than two batches of records.
NUM_IMAGES = 1_100
RAW = Data(source="here", encoding="raw")
COMPRESSED = Data(source="here")
NAME = "examples-00003-of-00012"


def payloads(count: int) -> list[bytes]:
    """Examples of two gray pixels, all different."""
    shape = {features.HEIGHT: 1, features.CHANNELS: 1}
    return [
        serialized({features.ENCODED: bytes(divmod(index, 256)), features.WIDTH: 2, features.LABEL: index, **shape})
        for index in range(count)
    ]


def unit_of(path: Path, split: str = UNASSIGNED) -> Unit:
    return Unit(3, split, SourceFile(str(path), path.name, path.name, path.stat().st_size, 0.0))


@pytest.fixture
def unit(tmp_path: Path) -> Unit:
    """A file of the source, every eleventh record of which is none."""
    records = payloads(NUM_IMAGES)
    records[::11] = [b"\xff"] * len(records[::11])
    return unit_of(write_tfrecord(tmp_path / "source", records))


def ingest(unit: Unit, output: Path, data: Data = RAW) -> IngestionReport:
    make_directories(str(output))
    plan = Plan(data, (), Shares(0.2, 0.3), str(output), 12, data.encoding)
    [report] = IngestUnit(plan).process(unit)
    return report


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_a_unit_becomes_a_shard_per_split_with_its_facts(unit: Unit, tmp_path: Path) -> None:
    """Each example goes to its split's shard, named for the unit, in order; row k of a split is record k."""
    report = ingest(unit, tmp_path / "out")
    table = read_facts(str(tmp_path / "out" / "facts" / f"{NAME}.parquet"))
    found = []
    for split in SPLITS:
        [shard] = (tmp_path / "out" / f"Split-{split}").iterdir()
        assert shard.name == f"{NAME}.tfrecord"
        labels = [item.features.feature[features.LABEL].int64_list.value[0] for item in read_examples(shard.parent)]
        rows = [row for row in table.to_pylist() if row[SPLIT] == split]
        assert labels == [row[features.LABEL] for row in rows] == sorted(row[INDEX] for row in rows)
        found += labels
    assert sorted(found) == [index for index in range(NUM_IMAGES) if index % 11]
    assert report.num_kept == len(found)
    assert report.num_refused == {"not_an_example": NUM_IMAGES // 11}
    assert [item.index for item in report.refusals] == list(range(0, NUM_IMAGES, 11))
    assert list((tmp_path / "out" / "growing").iterdir()) == []


def test_work_done_twice_writes_the_same(unit: Unit, tmp_path: Path) -> None:
    """A unit that Beam hands out again gives the same shards, facts, quarantine and counts, and none twice."""
    first = ingest(unit, tmp_path / "out")
    files = contents(tmp_path / "out")
    second = ingest(unit, tmp_path / "out")
    assert second == first
    assert contents(tmp_path / "out") == files
    assert set(files) == {
        *(f"Split-{split}/{NAME}.tfrecord" for split in SPLITS),
        f"facts/{NAME}.parquet",
        f"quarantine/{NAME}.jsonl",
        f"quarantine/{NAME}.tfrecord",
    }


def test_a_split_that_the_source_gives_is_kept(tmp_path: Path) -> None:
    """From a file that a pattern gave to one split there is one shard, whatever the shares."""
    unit = unit_of(write_tfrecord(tmp_path / "source", payloads(20)), "test")
    assert ingest(unit, tmp_path / "out").num_kept == 20
    assert [path.parent.name for path in (tmp_path / "out").rglob("*.tfrecord")] == ["Split-test"]


def test_a_unit_without_usable_examples_has_facts_all_the_same(tmp_path: Path) -> None:
    """Its table has no row, and it has no shard."""
    ingest(unit_of(write_tfrecord(tmp_path / "source", [])), tmp_path / "out")
    assert set(contents(tmp_path / "out")) == {f"facts/{NAME}.parquet"}
    assert read_facts(str(tmp_path / "out" / "facts" / f"{NAME}.parquet")).num_rows == 0


def test_image_files_are_ingested_as_records_are(tmp_path: Path) -> None:
    """Each file of a unit goes to the split that its entry says, and names its class."""
    entries = []
    for index, split in enumerate(("test", "eval", "test")):
        path = tmp_path / f"{index}.png"
        path.write_bytes(png(noise(3, 4, 3, index)))
        entries.append(Entry(str(path), path.name, 0, path.stat().st_size, index, f"class {index}", split))
    report = ingest(Unit(3, "", None, tuple(entries)), tmp_path / "out", COMPRESSED)
    assert report.label_texts == {0: "class 0", 1: "class 1", 2: "class 2"}
    names = {
        split: [
            item.features.feature[features.FILENAME].bytes_list.value[0]
            for item in read_examples(tmp_path / "out" / f"Split-{split}")
        ]
        for split in SPLITS
    }
    assert names == {"train": [], "eval": [b"1.png"], "test": [b"0.png", b"2.png"]}


def test_a_file_that_vanished_is_refused(unit: Unit, tmp_path: Path) -> None:
    """A file removed since it was listed costs what it held, and not the run."""
    assert unit.file is not None
    Path(unit.file.path).unlink()
    report = ingest(unit, tmp_path / "out")
    assert report.num_refused == {"unreadable": 1}
    assert report.lost_bytes == unit.file.num_bytes


def items(count: int, side: int, num_bytes: int) -> Iterator[Stored]:
    """PNG files that claim to be squares, filled up with bytes."""
    content = bytearray(png(noise(2, 2, 1)).ljust(num_bytes, b"\0"))
    content[16:24] = np.array([side, side], ">u4").tobytes()
    for index in range(count):
        yield Stored("a", index, bytes(content), 0, None, None, "train")


@pytest.mark.parametrize(
    ("count", "side", "num_bytes", "largest"),
    [(1_300, 2, 100, 512), (100, 2, 1 << 20, 32), (10, 4_096, 100, 2), (3, 9_000, 100, 1)],
    ids=["examples", "bytes", "pixels", "one image of many pixels"],
)
def test_a_batch_is_bounded(count: int, side: int, num_bytes: int, largest: int) -> None:
    """By 512 examples, 32 MiB encoded and 32 million pixels decoded, whichever comes first; none is lost."""
    batches = list(_batches(items(count, side, num_bytes), COMPRESSED))
    assert [item.index for batch in batches for item in batch] == list(range(count))
    assert max(len(batch) for batch in batches) == largest
    assert {len(batch) for batch in batches[:-1]} == {largest}


def test_what_must_not_be_decoded_is_refused_in_its_place() -> None:
    """An image beyond the limit keeps its place in the batch, and adds nothing to what the batch may hold."""
    [batch] = _batches([*items(1, 2, 100), *items(300, 20_000, 100), *items(1, 2, 100)], COMPRESSED)
    assert [isinstance(item, Refused) for item in batch] == [False, *[True] * 300, False]
    assert {item.reason for item in batch if isinstance(item, Refused)} == {"too_large"}
