from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tfx.types import artifact_utils

from components.errors import DataError
from components.image_example_gen.component import ImageExampleGen
from components.image_example_gen.report import IngestionReport
from components.image_example_gen.splitting import SPLITS
from schemas import features
from schemas.data import Data
from tests.components.images import Values, noise, png, read_examples, serialized, write_tfrecord
from tests.components.stages import Stages

NUM_IMAGES = 40
IMAGES = [noise(6, 5, 3, seed) for seed in range(NUM_IMAGES)]
OWN_NAMES = {"image": "i", "label": "l", "height": "h", "width": "w", "channels": "c"}


def encoded(encoding: str) -> list[bytes]:
    """The images in one of the three encodings."""
    if encoding == "compressed":
        return [png(pixels) for pixels in IMAGES]
    if encoding == "raw":
        return [pixels.tobytes() for pixels in IMAGES]
    return [(pixels / 255).astype("<f4").tobytes() for pixels in IMAGES]


def stored(encoding: str) -> list[bytes]:
    """The images as examples, under names of their own; four classes in turn."""
    shape: Values = {} if encoding == "compressed" else {"h": 6, "w": 5, "c": 3}
    return [serialized({"i": content, "l": index % 4, **shape}) for index, content in enumerate(encoded(encoding))]


def ingest(root: Path, source: Path, data: Data) -> Path:
    """Runs ImageExampleGen and gives the directory of its artifact."""
    stages = Stages(root)
    stages.run([ImageExampleGen(data, str(source), str(root / "quarantine"))])
    examples = stages.outputs["ImageExampleGen"]["examples"]
    assert artifact_utils.decode_split_names(examples.split_names) == list(SPLITS)
    return Path(examples.uri)


def data_of(source: Path, **values: object) -> Data:
    return Data.model_validate({"source": str(source), "splits": {"eval": 0.2, "test": 0.2}, **values})


def contents(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def refuse(root: Path, payloads: Iterable[bytes], **values: object) -> str:
    """What ImageExampleGen says against a source of these records."""
    write_tfrecord(root / "source" / "file", payloads)
    with pytest.raises(DataError) as refusal:
        ingest(root, root / "source", data_of(root / "source", **values))
    return str(refusal.value)


@pytest.mark.parametrize("compression", ["", "GZIP"], ids=["plain", "gzip"])
@pytest.mark.parametrize("encoding", ["compressed", "raw", "float32"])
def test_every_image_arrives_once(encoding: str, compression: str, tmp_path: Path) -> None:
    """From plain and gzip files, in each encoding, under the user's names: all images, in some split, unchanged."""
    payloads, images = stored(encoding), encoded(encoding)
    for shard in range(3):
        write_tfrecord(tmp_path / "source" / f"part-{shard}", payloads[shard::3], compression)
    data = data_of(tmp_path / "source", encoding=encoding, features=OWN_NAMES)
    directory = ingest(tmp_path / "stages", tmp_path / "source", data)

    found: dict[int, int] = {}
    counts: dict[str, int] = {}
    for split in SPLITS:
        examples = read_examples(directory / f"Split-{split}")
        counts[split] = len(examples)
        for example in examples:
            feature = example.features.feature
            shard_name, _, index = feature[features.FILENAME].bytes_list.value[0].decode().partition("#")
            number = int(shard_name.removeprefix("part-")) + 3 * int(index)
            assert feature[features.ENCODED].bytes_list.value == [images[number]]
            np.testing.assert_allclose(feature[features.MEAN].float_list.value, IMAGES[number].mean(), rtol=1e-4)
            found[number] = feature[features.LABEL].int64_list.value[0]
    assert found == {number: number % 4 for number in range(NUM_IMAGES)}
    report = IngestionReport.from_json((directory / "ingestion.json").read_text())
    assert report.num_examples == counts
    assert sum(counts.values()) == NUM_IMAGES
    assert (report.num_refused, report.max_label, report.quarantine) == ({}, 3, None)
    names = {"ingestion.json", "facts", *(f"Split-{split}" for split in SPLITS)}
    assert {path.name for path in directory.iterdir()} == names


def test_two_runs_write_the_same_bytes(tmp_path: Path) -> None:
    """Over the same files, in the same number, every run writes the same shards and the same report."""
    payloads = [*stored("compressed"), b"no example"]
    for shard in range(4):
        write_tfrecord(tmp_path / "source" / f"part-{shard}", payloads[shard::4])
    data = data_of(tmp_path / "source", features=OWN_NAMES)
    runs = []
    for run in range(2):
        files = contents(ingest(tmp_path / f"run-{run}", tmp_path / "source", data))
        report = IngestionReport.from_json(files.pop("ingestion.json").decode())
        quarantine = contents(tmp_path / f"run-{run}" / "quarantine")
        runs.append((files, quarantine, replace(report, quarantine=None)))
    assert runs[0] == runs[1]
    assert len(runs[0][1]) == 2
    shards = [name for name in runs[0][0] if name.startswith("Split-train/")]
    assert sorted(shards) == [f"Split-train/examples-{shard:05d}-of-00004.tfrecord" for shard in range(4)]


def test_patterns_decide_the_split_of_a_file(tmp_path: Path) -> None:
    """A file that a pattern takes goes to its split whole; a share is drawn from the training files alone."""
    payloads = stored("compressed")
    write_tfrecord(tmp_path / "source" / "a-train", payloads[:30])
    write_tfrecord(tmp_path / "source" / "a-test", payloads[30:])
    data = data_of(tmp_path / "source", features=OWN_NAMES, splits={"eval": 0.3, "test": "*-test"})
    directory = ingest(tmp_path / "stages", tmp_path / "source", data)
    names = {
        split: {
            example.features.feature[features.FILENAME].bytes_list.value[0].partition(b"#")[0]
            for example in read_examples(directory / f"Split-{split}")
        }
        for split in SPLITS
    }
    assert names == {"train": {b"a-train"}, "eval": {b"a-train"}, "test": {b"a-test"}}
    assert len(read_examples(directory / "Split-test")) == 10


def test_unusable_examples_are_reported(tmp_path: Path) -> None:
    """Among good examples the unusable are left out, counted, listed with file, record and reason, and kept aside."""
    payloads = stored("compressed")
    payloads[4] = b"\xff"
    payloads[7] = serialized({"i": b"GIF89a", "l": 0})
    payloads[9] = serialized({"i": encoded("compressed")[9]})
    write_tfrecord(tmp_path / "source" / "deep" / "file", payloads)
    data = data_of(tmp_path / "source", features=OWN_NAMES)
    directory = ingest(tmp_path / "stages", tmp_path / "source", data)
    report = IngestionReport.from_json((directory / "ingestion.json").read_text())
    assert report.num_examples.total() == NUM_IMAGES - 3
    assert report.num_refused == {"not_an_example": 1, "undecodable": 1, "missing_label": 1}
    assert [(item.source, item.index, item.reason, item.feature) for item in report.refusals] == [
        ("deep/file", 4, "not_an_example", "i"),
        ("deep/file", 7, "undecodable", "i"),
        ("deep/file", 9, "missing_label", "l"),
    ]
    assert report.refused_fraction == 3 / NUM_IMAGES
    assert Path(str(report.quarantine)).parent == tmp_path / "stages" / "quarantine"
    kept_aside = tf.data.TFRecordDataset(f"{report.quarantine}.tfrecord").as_numpy_iterator()
    assert list(kept_aside) == [payloads[index] for index in (4, 7, 9)]


def test_where_nothing_is_said_of_splits_none_is_empty(tmp_path: Path) -> None:
    """Forty images in four classes make three splits with every class in train, and the report says how."""
    write_tfrecord(tmp_path / "source" / "file", stored("compressed"))
    directory = ingest(
        tmp_path / "stages",
        tmp_path / "source",
        Data.model_validate({"source": str(tmp_path / "source"), "features": OWN_NAMES}),
    )
    report = IngestionReport.from_json((directory / "ingestion.json").read_text())
    assert all(report.num_examples[split] for split in SPLITS)
    assert set(report.class_counts["train"]) == {0, 1, 2, 3}
    assert report.num_examples == {split: len(read_examples(directory / f"Split-{split}")) for split in SPLITS}
    np.testing.assert_allclose(sum(report.shares.values()), 1)


def test_an_empty_split_is_refused(tmp_path: Path) -> None:
    """Where a split would get nothing, the error names it, counts all, and says what to change."""
    message = refuse(tmp_path, stored("compressed")[:3], features=OWN_NAMES, splits={"eval": 0.001, "test": 0.5})
    assert re.match(r"no usable example in the split eval \(train \d, eval 0, test \d\); give more images", message)
    assert "data.splits (now eval: 0.001)" in message


def test_splits_emptied_by_unusable_examples_are_refused(tmp_path: Path) -> None:
    """Where no example can be used, the error tells why, example by example."""
    message = refuse(tmp_path, [b"\xff"] * 7)
    assert message.startswith("no usable example in the splits train, eval and test (train 0, eval 0, test 0).\n")
    assert "unusable examples: not_an_example 7" in message
    assert "file, record 0: image/encoded: not_an_example: the record is no tf.train.Example" in message
    assert "the originals in " in message


def test_a_file_that_is_no_tfrecord_is_refused(tmp_path: Path) -> None:
    """A source of other files ends with the file's name and that it is no TFRecord."""
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "notes.txt").write_text("some words about the data")
    with pytest.raises(DataError, match=r"notes.txt, record 0: .*: not_a_tfrecord: "):
        ingest(tmp_path / "stages", tmp_path / "source", data_of(tmp_path / "source"))


def test_a_class_with_two_names_is_refused(tmp_path: Path) -> None:
    """One number for two names would mix classes: the error gives both."""
    payloads = [
        serialized({"i": content, "l": 1, "t": b"tomcat" if index == 5 else b"cat"})
        for index, content in enumerate(encoded("compressed"))
    ]
    message = refuse(tmp_path, payloads, features={**OWN_NAMES, "text": "t"})
    assert message.startswith("class 1 is called both 'cat' and 'tomcat'; give every class one name in the data")
