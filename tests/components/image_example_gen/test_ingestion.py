from __future__ import annotations

from pathlib import Path

import pytest
import tensorflow as tf

from components.image_example_gen.ingestion import IngestFile, make_split_directories
from components.image_example_gen.report import IngestionReport
from components.image_example_gen.source import SourceFile, list_files
from components.image_example_gen.splitting import SPLITS
from schemas import features
from schemas.experiment import Data, Splits
from tests.components.images import read_examples, serialized, write_tfrecord

# More than two batches of records.
NUM_IMAGES = 1100
DATA = Data(source="here", encoding="raw", splits=Splits(eval=0.3, test=0.2))


def payloads(count: int) -> list[bytes]:
    """Examples of one gray pixel or two, all different."""
    shape = {features.HEIGHT: 1, features.CHANNELS: 1}
    return [
        serialized({features.ENCODED: bytes(divmod(index, 256)), features.WIDTH: 2, features.LABEL: index, **shape})
        for index in range(count)
    ]


@pytest.fixture
def file(tmp_path: Path) -> SourceFile:
    """A file of the source."""
    write_tfrecord(tmp_path / "source" / "file", payloads(NUM_IMAGES))
    [found] = list_files(str(tmp_path / "source"), DATA.splits)
    return found


def ingest(file: SourceFile, output: Path) -> IngestionReport:
    make_split_directories(str(output))
    [report] = IngestFile(DATA, str(output), 12).process((3, file))
    return report


def labels(examples: list[tf.train.Example]) -> list[int]:
    return [example.features.feature[features.LABEL].int64_list.value[0] for example in examples]


def test_a_file_becomes_a_shard_per_split(file: SourceFile, tmp_path: Path) -> None:
    """Over several batches each example goes to its split's shard, named after the file's place, in order."""
    report = ingest(file, tmp_path)
    found = []
    for split in SPLITS:
        [shard] = (tmp_path / f"Split-{split}").iterdir()
        assert shard.name == "examples-00003-of-00012.tfrecord"
        of_split = labels(read_examples(shard.parent))
        assert of_split == sorted(of_split)
        assert report.num_examples[split] == len(of_split)
        found += of_split
    assert sorted(found) == list(range(NUM_IMAGES))
    assert report.max_label == NUM_IMAGES - 1
    assert list((tmp_path / "growing").iterdir()) == []


def test_work_done_twice_writes_the_same(file: SourceFile, tmp_path: Path) -> None:
    """A file that Beam hands out again gives the same shards and counts, and none twice."""
    first = ingest(file, tmp_path)
    shards = {path: path.read_bytes() for path in tmp_path.rglob("*.tfrecord")}
    second = ingest(file, tmp_path)
    assert second == first
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.tfrecord")} == shards
    assert len(shards) == len(SPLITS)


def test_a_split_without_examples_has_no_shard(tmp_path: Path) -> None:
    """From a file that a pattern gave to one split there is one shard, whatever the shares."""
    write_tfrecord(tmp_path / "source" / "file", payloads(20))
    [file] = list_files(str(tmp_path / "source"), Splits(test="file"))
    report = ingest(file, tmp_path)
    assert [path.parent.name for path in tmp_path.rglob("*.tfrecord")] == ["Split-test"]
    assert report.num_examples == {"test": 20}


def test_a_file_that_vanished_is_an_error(file: SourceFile, tmp_path: Path) -> None:
    """A file removed since it was listed ends the work; it is never taken for an empty one."""
    Path(file.path).unlink()
    with pytest.raises(Exception, match=r"No such file or directory.*source/file"):
        ingest(file, tmp_path)
    assert list(tmp_path.rglob("*.tfrecord")) == []
