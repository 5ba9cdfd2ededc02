from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from components.image_example_gen.facts import read_all_facts
from components.image_example_gen.ingestion import IngestUnit, Plan
from components.image_example_gen.items import Refused, Stored
from components.image_example_gen.parsing import parse
from components.image_example_gen.report import IngestionReport
from components.image_example_gen.shards import make_directories
from components.image_example_gen.source import list_files
from components.image_example_gen.splitting import SPLITS, TRAIN, Shares
from components.image_example_gen.tfrecord import read_records
from components.image_example_gen.units import units_of_files
from schemas import features
from schemas.data import Data
from tests.components.images import (
    encode,
    jpeg,
    noise,
    picture,
    png,
    read_examples,
    serialized,
    smooth,
    write_tfrecord,
)

NUM_RECORDS = 12
IMAGES = [png(noise(5, 4, 3, seed)) for seed in range(NUM_RECORDS)]
DATA = Data(source="here")
# 3,000 corruptions together.
NUM_IN_SHARDS, NUM_IN_GZIP, NUM_IN_EACH_FORMAT = 1_000, 1_000, 250
FILES = {
    "JPEG": jpeg(smooth(24, 32, 3)),
    "PNG": png(noise(9, 8, 3)),
    "GIF": encode(picture(noise(9, 8, 1)), "GIF"),
    "BMP": encode(picture(noise(9, 8, 3)), "BMP"),
}
HEADER, FOOTER = 12, 4


def corrupted(content: bytes, count: int, seed: int) -> Iterator[tuple[int, bytes]]:
    """The content with one wrong byte, and where it is, again and again."""
    random = np.random.default_rng(seed)
    for place, mask in zip(random.integers(0, len(content), count), random.integers(1, 256, count), strict=True):
        damaged = bytearray(content)
        damaged[place] ^= mask
        yield int(place), bytes(damaged)


@pytest.fixture(scope="module")
def shard(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A TFRecord file."""
    payloads = [serialized({features.ENCODED: image, features.LABEL: index}) for index, image in enumerate(IMAGES)]
    return write_tfrecord(tmp_path_factory.mktemp("shard") / "shard", payloads).read_bytes()


def outcomes_of(content: bytes) -> list[Stored | Refused]:
    return [parse(record, "shard", TRAIN, DATA) for record in read_records(io.BytesIO(content))]


def assert_nothing_is_lost_unseen(outcomes: list[Stored | Refused]) -> None:
    """Every record is there unchanged or refused in its place, up to the end or to a loss that is told."""
    assert [outcome.index for outcome in outcomes] == list(range(len(outcomes)))
    for outcome in outcomes:
        if isinstance(outcome, Stored):
            assert (outcome.content, outcome.label) == (IMAGES[outcome.index], outcome.index)
        else:
            assert outcome.reason
            assert outcome.detail
    losses = [outcome for outcome in outcomes if isinstance(outcome, Refused) and outcome.lost_bytes > 0]
    assert losses in ([], outcomes[-1:])
    assert len(outcomes) == NUM_RECORDS or losses


def test_a_wrong_byte_in_a_shard_costs_one_record_or_a_loss_that_is_told(shard: bytes) -> None:
    """In a payload or its checksum it costs that record, whose bytes are kept; in a length the rest, to the byte."""
    starts = np.cumsum(
        [0] + [HEADER + len(record.payload or b"") + FOOTER for record in read_records(io.BytesIO(shard))]
    )
    for place, content in corrupted(shard, NUM_IN_SHARDS, seed=0):
        struck = int(np.searchsorted(starts, place, "right")) - 1
        outcomes = outcomes_of(content)
        assert_nothing_is_lost_unseen(outcomes)
        [refused] = [outcome for outcome in outcomes if isinstance(outcome, Refused)]
        assert refused.index == struck
        if place - starts[struck] < HEADER:
            assert refused.lost_bytes == len(shard) - starts[struck]
            assert len(outcomes) == struck + 1
        else:
            assert refused.reason == "corrupt_record"
            assert refused.original == content[starts[struck] + HEADER : starts[struck + 1] - FOOTER]
            assert len(outcomes) == NUM_RECORDS


def test_a_wrong_byte_in_a_gzip_shard_changes_no_record_unseen(shard: bytes) -> None:
    """What is kept is unchanged, and where a record is missing a loss is told."""
    packed = gzip.compress(shard, mtime=0)
    num_told = 0
    for _, content in corrupted(packed, NUM_IN_GZIP, seed=1):
        outcomes = outcomes_of(content)
        assert_nothing_is_lost_unseen(outcomes)
        num_told += any(isinstance(outcome, Refused) for outcome in outcomes)
    # The header's time, hints and system mean nothing to the content.
    assert num_told > 0.9 * NUM_IN_GZIP


def ingest(contents: list[bytes], root: Path) -> IngestionReport:
    """Works on a shard of images, as a pipeline does."""
    payloads = [serialized({features.ENCODED: content, features.LABEL: 0}) for content in contents]
    write_tfrecord(root / "source" / "shard", payloads)
    [unit] = units_of_files((file, TRAIN) for file in list_files(DATA, str(root / "source")))
    make_directories(str(root / "examples"))
    plan = Plan(DATA, (), Shares(0.0, 0.0), str(root / "examples"), 1, "compressed")
    [report] = IngestUnit(plan).process(unit)
    return report


@pytest.mark.parametrize("name", FILES)
def test_a_wrong_byte_in_an_image_costs_that_image_at_most(name: str, tmp_path: Path) -> None:
    """Every corrupted image is kept as it is, or is in quarantine as it is, with a reason; none is lost."""
    contents = [content for _, content in corrupted(FILES[name], NUM_IN_EACH_FORMAT, seed=2)]
    report = ingest(contents, tmp_path)
    assert report.num_kept + report.num_refused.total() == NUM_IN_EACH_FORMAT
    # By itself a wrong byte in a file without checksums is as often harmless as not.
    assert report.num_refused
    examples = [example for split in SPLITS for example in read_examples(tmp_path / "examples" / f"Split-{split}")]
    indices = [row["index"] for row in read_all_facts(str(tmp_path / "examples"), ["index"]).to_pylist()]
    kept = [example.features.feature[features.ENCODED].bytes_list.value[0] for example in examples]
    assert kept == [contents[index] for index in indices]

    quarantine = tmp_path / "examples" / "quarantine" / "examples-00000-of-00001"
    lines = [json.loads(line) for line in quarantine.with_suffix(".jsonl").read_text().splitlines()]
    originals = tf.data.TFRecordDataset(str(quarantine.with_suffix(".tfrecord"))).as_numpy_iterator()
    for line, original in zip(lines, originals, strict=True):
        assert line["reason"] in {"undecodable", "unsupported_format", "too_large"}
        feature = tf.train.Example.FromString(original).features.feature
        assert feature[features.ENCODED].bytes_list.value == [contents[line["index"]]]
    assert sorted([*indices, *(line["index"] for line in lines)]) == list(range(NUM_IN_EACH_FORMAT))
