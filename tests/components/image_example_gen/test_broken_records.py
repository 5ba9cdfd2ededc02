from __future__ import annotations

import bisect
import gzip
import io
import json
import struct
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import tensorflow as tf

from components.image_example_gen.component import ImageExampleGen
from components.image_example_gen.facts import INDEX, SOURCE, read_all_facts
from components.image_example_gen.report import IngestionReport
from components.image_example_gen.tfrecord import masked_crc, write_record
from schemas import features
from schemas.data import Data
from tests.components.images import Values, noise, png, serialized, write_tfrecord
from tests.components.stages import Stages

IMAGE, LABEL, TEXT = features.ENCODED, features.LABEL, features.LABEL_TEXT
HEADER, FOOTER = 12, 4
NUM_RECORDS = 30
GOOD = [serialized({IMAGE: png(noise(8, 8, 3, index)), LABEL: index % 2}) for index in range(NUM_RECORDS)]
PNG = png(noise(8, 8, 3, 100))
STARTS = np.cumsum([0] + [HEADER + len(payload) + FOOTER for payload in GOOD]).tolist()
NUM_BYTES = STARTS[-1]


def framed(payload: bytes) -> bytes:
    """A record as it stands in a file."""
    file = io.BytesIO()
    write_record(file, payload)
    return file.getvalue()


def several() -> bytes:
    """An example with two classes."""
    first, second = (tf.train.Example.FromString(serialized({IMAGE: PNG, LABEL: label})) for label in (0, 1))
    first.features.feature[LABEL].MergeFrom(second.features.feature[LABEL])
    return bytes(first.SerializeToString())


# Among good ones: the record, the reason, what the detail says, the feature to blame.
BROKEN: list[tuple[bytes, str, str, str]] = [
    (b"\xff\xff\xff", "not_an_example", "no tf.train.Example", IMAGE),
    (b"", "missing_image", "no features", IMAGE),
    (serialized({LABEL: 0}), "missing_image", f"the example has {LABEL}", IMAGE),
    (serialized({IMAGE: 7, LABEL: 0}), "missing_image", "holds an int64_list; expected a bytes_list", IMAGE),
    (serialized({IMAGE: b"", LABEL: 0}), "empty", "no bytes", IMAGE),
    (serialized({IMAGE: b"RIFF\x24\x00\x00\x00WEBPVP8 ", LABEL: 0}), "unsupported_format", "looks like WebP", IMAGE),
    (serialized({IMAGE: PNG[:60], LABEL: 0}), "undecodable", "Invalid PNG", IMAGE),
    (serialized({IMAGE: PNG}), "missing_label", f"neither {LABEL!r} nor {TEXT!r}", LABEL),
    (serialized({IMAGE: PNG, LABEL: 0.5}), "missing_label", f"{LABEL!r} holds a float_list", LABEL),
    (serialized({IMAGE: PNG, TEXT: b"emu"}), "unknown_label", "'emu' is not in data.labels", LABEL),
    (serialized({IMAGE: PNG, LABEL: b"Cat"}), "unknown_label", "'Cat' is not in data.labels", LABEL),
    (serialized({IMAGE: PNG, LABEL: 2}), "unknown_label", "class 2 is not among the 2 classes of data.labels", LABEL),
    (serialized({IMAGE: PNG, LABEL: -1}), "unknown_label", "class -1 is not among the 2 classes", LABEL),
    (several(), "several_values", f"2 values in {LABEL!r}", LABEL),
]


class Ingested(NamedTuple):
    """What an ingestion made of a directory of TFRecord files."""

    kept: set[tuple[str, int]]
    lines: list[dict[str, Any]]
    originals: list[bytes]
    report: IngestionReport

    def of(self, source: str) -> tuple[int, list[dict[str, Any]]]:
        """How many records of a file were kept, and the lines of the others."""
        return sum(file == source for file, _ in self.kept), [line for line in self.lines if line["source"] == source]


def ingest(root: Path, source: Path, **values: object) -> Ingested:
    data = Data.model_validate({"source": str(source), **values})
    stages = Stages(root / "stages")
    stages.run([ImageExampleGen(data, str(source), str(root / "quarantine"))])
    uri = stages.path("ImageExampleGen", "examples")
    report = IngestionReport.from_json((uri / "ingestion.json").read_text())
    rows = read_all_facts(str(uri), [SOURCE, INDEX]).to_pylist()
    lines = [json.loads(line) for line in Path(f"{report.quarantine}.jsonl").read_text().splitlines()]
    originals = list(tf.data.TFRecordDataset(f"{report.quarantine}.tfrecord").as_numpy_iterator())
    assert len(lines) == len(originals) == report.num_refused.total()
    assert len(rows) == report.num_examples.total()
    return Ingested({(row[SOURCE], row[INDEX]) for row in rows}, lines, originals, report)


@pytest.fixture(scope="module")
def ingested(tmp_path_factory: pytest.TempPathFactory) -> Ingested:
    """Shards damaged in every way beside a good one, in one ingestion."""
    root = tmp_path_factory.mktemp("records")
    source = root / "source"
    mixed = [record for pair in zip(GOOD, (broken[0] for broken in BROKEN), strict=False) for record in pair]
    whole = write_tfrecord(source / "good", GOOD).read_bytes()
    write_tfrecord(source / "mixed", mixed)
    packed = gzip.compress(whole, mtime=0)
    payload, length = bytearray(whole), bytearray(whole)
    payload[STARTS[10] + HEADER + 5] ^= 1
    length[STARTS[20] + 2] ^= 1
    files = {
        "notes.txt": b"a text about the data, and no record",
        "zero": b"",
        "truncated": whole[: STARTS[25] + 40],
        "payload": bytes(payload),
        "length": bytes(length),
        "gzip": packed,
        "gzip-truncated": packed[: len(packed) // 2],
        "gzip-damaged": packed[:-2_000] + bytes(1_992) + packed[-8:],
        "endless": whole + struct.pack("<QI", 1 << 50, masked_crc(struct.pack("<Q", 1 << 50))) + b"x",
    }
    for name, content in files.items():
        (source / name).write_bytes(content)
    return ingest(root, source, labels=("cat", "dog"))


def test_every_broken_record_is_put_into_quarantine(ingested: Ingested) -> None:
    """Each has its place, its reason and the feature to blame, and beside its line stands the record itself."""
    num_kept, lines = ingested.of("mixed")
    assert num_kept == len(BROKEN)
    for number, (line, (record, reason, detail, feature)) in enumerate(zip(lines, BROKEN, strict=True)):
        assert (line["index"], line["reason"], line["feature"]) == (2 * number + 1, reason, feature), line
        assert detail in line["detail"]
        assert ingested.originals[ingested.lines.index(line)] == record


@pytest.mark.parametrize(
    ("source", "num_kept", "index", "reason", "detail"),
    [
        ("notes.txt", 0, 0, "not_a_tfrecord", "not the header of a TFRecord"),
        ("truncated", 25, 25, "truncated_file", "ends in the middle of this record"),
        ("payload", NUM_RECORDS - 1, 10, "corrupt_record", "this record is lost"),
        ("length", 20, 20, "corrupt_record", f"the rest of the file is lost, {NUM_BYTES - STARTS[20]} bytes"),
        ("endless", NUM_RECORDS, NUM_RECORDS, "truncated_file", "ends in the middle"),
    ],
)
def test_a_damaged_file_costs_what_cannot_be_read(
    source: str, num_kept: int, index: int, reason: str, detail: str, ingested: Ingested
) -> None:
    """What can be read is kept, and one line tells where and how the file is damaged."""
    found, [line] = ingested.of(source)
    assert (found, line["index"], line["reason"]) == (num_kept, index, reason)
    assert detail in line["detail"]


def test_a_record_with_a_wrong_checksum_can_be_had_from_the_quarantine(ingested: Ingested) -> None:
    """Its payload is there as it was read, wrong byte included."""
    [line] = ingested.of("payload")[1]
    original = ingested.originals[ingested.lines.index(line)]
    assert original == GOOD[10][:5] + bytes([GOOD[10][5] ^ 1]) + GOOD[10][6:]


@pytest.mark.parametrize("source", ["gzip-truncated", "gzip-damaged"])
def test_a_damaged_gzip_file_keeps_its_first_records(source: str, ingested: Ingested) -> None:
    """What comes before the damage is kept, and the last line tells that the rest is lost."""
    num_kept, lines = ingested.of(source)
    packed = gzip.compress(b"".join(map(framed, GOOD)), mtime=0)
    whole = packed[: len(packed) // 2] if source == "gzip-truncated" else packed[:-2_000]
    # All that are whole in the bytes before, and no other.
    assert num_kept == bisect.bisect_right(STARTS, len(zlib.decompressobj(31).decompress(whole))) - 1
    assert "the rest of the file is lost" in lines[-1]["detail"]
    assert lines[-1]["index"] == num_kept + len(lines) - 1


def test_good_files_beside_damaged_ones_are_kept(ingested: Ingested) -> None:
    """Plain or gzip, every record of a good file is there; a file without a byte has none, and is no damage."""
    assert ingested.of("good") == ingested.of("gzip") == (NUM_RECORDS, [])
    assert ingested.of("zero") == (0, [])


def test_a_loss_is_told(ingested: Ingested) -> None:
    """The report says how many bytes are lost and about how many records, and counts them as unusable."""
    report = ingested.report
    num_refused, num_kept = report.num_refused.total(), report.num_examples.total()
    assert report.lost_bytes > NUM_BYTES - STARTS[20]
    # Ten records are behind the damaged length, the one that is refused among them.
    assert report.num_lost > 0
    assert report.refused_fraction == (num_refused + report.num_lost) / (num_refused + report.num_lost + num_kept)
    assert f"about {report.num_lost} more are lost in {report.lost_bytes} bytes" in report.describe_refusals()


PIXELS = np.linspace(0, 1, 12, dtype="<f4")
SHAPE: Values = {features.HEIGHT: 2, features.WIDTH: 2, features.CHANNELS: 3, LABEL: 0}
BROKEN_PIXELS: dict[str, list[tuple[Values, str, str, str]]] = {
    "raw": [
        ({**SHAPE, IMAGE: bytes(11)}, "wrong_shape", "11 bytes of raw pixels do not make 2 x 2 pixels", IMAGE),
        ({**SHAPE, IMAGE: bytes(12), features.HEIGHT: 1 << 40}, "too_large", "pixels; the limit is", IMAGE),
        ({**SHAPE, IMAGE: bytes(12), features.WIDTH: -2}, "wrong_shape", "2 x -2 pixels", IMAGE),
        ({IMAGE: bytes(12), LABEL: 0}, "wrong_shape", f"no value in {features.HEIGHT!r}", features.HEIGHT),
        ({**SHAPE, IMAGE: b""}, "empty", "no bytes", IMAGE),
        ({**SHAPE, IMAGE: bytes(12), LABEL: 1 << 20}, "label_out_of_range", "list the classes in data.labels", LABEL),
        ({**SHAPE, IMAGE: bytes(12), LABEL: b"cat"}, "missing_label", "list the classes in data.labels", LABEL),
    ],
    "float32": [
        ({**SHAPE, IMAGE: PIXELS.tobytes()[:-4]}, "wrong_shape", "44 bytes of float32 pixels", IMAGE),
        ({**SHAPE, IMAGE: np.where(PIXELS < 0.5, np.nan, 0).astype("<f4").tobytes()}, "not_finite", "NaN", IMAGE),
        ({**SHAPE, IMAGE: (PIXELS * 255).tobytes()}, "out_of_range", "pixels from 0 to 255, expected 0 to 1", IMAGE),
    ],
}


@pytest.mark.parametrize("encoding", BROKEN_PIXELS)
def test_broken_pixels_are_put_into_quarantine(encoding: str, tmp_path: Path) -> None:
    """Pixels that do not fill their shape, or are none, are refused with what came and what was expected."""
    broken = BROKEN_PIXELS[encoding]
    records = [serialized(values) for values, *_ in broken]
    pixels = [noise(2, 2, 3, seed) for seed in range(NUM_RECORDS)]
    contents = [(item if encoding == "raw" else (item / 255).astype("<f4")).tobytes() for item in pixels]
    good = [serialized({**SHAPE, IMAGE: content}) for content in contents]
    write_tfrecord(tmp_path / "source" / "shard", [*records, *good])
    found = ingest(tmp_path, tmp_path / "source", encoding=encoding)
    assert len(found.kept) == len(good)
    assert found.originals == records
    for line, (_, reason, detail, feature) in zip(found.lines, broken, strict=True):
        assert (line["reason"], line["feature"]) == (reason, feature), line
        assert detail in line["detail"]
