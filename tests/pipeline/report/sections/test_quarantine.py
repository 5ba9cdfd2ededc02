from __future__ import annotations

import json
import struct
import zlib
from collections import Counter
from pathlib import Path

import numpy as np
import tensorflow as tf

from components.image_example_gen.report import IngestionReport, Refusal
from pipeline.report.content import Pictures, Table
from pipeline.report.sections.quarantine import quarantine
from schemas import features
from tests.pipeline.report.materials import a_material, rows_of, texts_of


def huge_png() -> bytes:
    """A file whose header announces 100,000 by 100,000 pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def refused(directory: Path, originals: list[tuple[str, bytes]]) -> IngestionReport:
    """A report on originals and why they are refused, which lie in a quarantine."""
    report = IngestionReport(num_examples=Counter(train=96), quarantine=str(directory / "quarantined"))
    lines = []
    with tf.io.TFRecordWriter(f"{report.quarantine}.tfrecord") as writer:
        for index, (reason, original) in enumerate(originals):
            refusal = Refusal("<b>.tfrecord", index, reason, "as it is", features.ENCODED)
            report.num_refused[reason] += 1
            report.refusals.append(refusal)
            lines.append(json.dumps(vars(refusal)))
            writer.write(original)
    Path(f"{report.quarantine}.jsonl").write_text("\n".join(lines))
    return report


def an_example(image: bytes) -> bytes:
    example = tf.train.Example()
    example.features.feature[features.ENCODED].bytes_list.value.append(image)
    return bytes(example.SerializeToString())


def test_what_is_refused_is_shown(tmp_path: Path) -> None:
    """Counts by reason, the lines, and thumbnails of what can be decoded; a bomb, or no example, is not."""
    image = tf.io.encode_png(np.full((8, 8, 1), 7, np.uint8)).numpy()
    originals = [
        ("unknown_label", an_example(image)),
        ("unknown_label", an_example(b"GIF89a")),
        ("too_large", an_example(huge_png())),
        ("not_an_example", b"no example at all"),
    ]
    section = quarantine(a_material(ingestion=refused(tmp_path, originals)))
    assert section is not None
    reasons, pictures, lines = section.blocks
    assert rows_of(reasons) == [["unknown_label", "2"], ["too_large", "1"], ["not_an_example", "1"]]
    assert isinstance(reasons, Table)
    assert reasons.caption == "4.00% of the source's examples cannot be used."
    assert isinstance(pictures, Pictures)
    assert [each.alternative for each in pictures.pictures] == ["Refused as unknown_label: <b>.tfrecord, record 0"]
    assert rows_of(lines)[2] == ["<b>.tfrecord", "2", "too_large", "as it is"]


def test_a_quarantine_that_was_cleared(tmp_path: Path) -> None:
    """The counts and lines are still there, without pictures."""
    report = refused(tmp_path, [("empty", an_example(b""))] * 30)
    for path in tmp_path.iterdir():
        path.unlink()
    section = quarantine(a_material(ingestion=report))
    assert section is not None
    _, lines = section.blocks
    assert isinstance(lines, Table)
    assert len(lines.rows) == 20
    assert lines.caption.startswith("The first 20 of 30.")


def test_nothing_refused() -> None:
    """It is said in a line; a run without examples says nothing."""
    told = texts_of(quarantine(a_material(ingestion=IngestionReport())))
    assert told == ["All examples of the source can be used."]
    assert quarantine(a_material(ingestion=None)) is None
