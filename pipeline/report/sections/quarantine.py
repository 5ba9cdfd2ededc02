"""The examples that cannot be used, by reason."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tensorflow as tf
from google.protobuf.message import DecodeError

from components.image_example_gen.dimensions import announced_pixels
from components.image_example_gen.inspection import format_of
from components.image_example_gen.quarantine import LINES, RECORDS
from components.image_example_gen.report import IngestionReport
from pipeline.report.content import Block, Picture, Pictures, Section, Table, Text
from pipeline.report.material import Material
from pipeline.report.pictures import decoded, picture
from pipeline.report.wording import count, short
from schemas import features

_MOST_LINES = 20
_MOST_PICTURES = 6
_MOST_READ = 1000
# What is decoded only to be looked at must not be what was refused for its size.
_MOST_PIXELS = 1 << 24

Line = dict[str, Any]


def quarantine(material: Material) -> Section | None:
    """Counts by reason, the first examples, and thumbnails of those that can be decoded all the same."""
    report = material.ingestion
    if report is None:
        return None
    if not report.num_refused:
        return Section("Quarantine", [Text("All examples of the source can be used.", "muted")])
    return Section("Quarantine", [_reasons(report), *_thumbnails(material, report), *_lines(report)])


def _reasons(report: IngestionReport) -> Table:
    rows = [[reason, count(number)] for reason, number in report.num_refused.most_common()]
    if report.num_lost:
        rows.append(["lost behind damage, about", count(report.num_lost)])
    caption = f"{report.refused_fraction:.2%} of the source's examples cannot be used."
    return Table(("reason", "examples"), rows, caption)


def _lines(report: IngestionReport) -> Iterator[Block]:
    shown = report.refusals[:_MOST_LINES]
    rows = [[short(each.source, 40), count(each.index), each.reason, short(each.detail, 160)] for each in shown]
    total = report.num_refused.total()
    caption = "All of them." if total <= len(shown) else f"The first {len(shown)} of {count(total)}."
    where = f" The originals: {report.quarantine}{RECORDS}" if report.quarantine else ""
    yield Table(("source", "record", "reason", "detail"), rows, caption + where, num_texts=4)


def _thumbnails(material: Material, report: IngestionReport) -> Iterator[Block]:
    by_reason: dict[str, list[Picture]] = defaultdict(list)
    for line, original in _originals(report):
        pictures = by_reason[line["reason"]]
        if len(pictures) < _MOST_PICTURES and (picture := _picture(material, line, original)):
            pictures.append(picture)
    for reason, pictures in sorted(by_reason.items()):
        if pictures:
            yield Pictures(pictures, f"Refused as {reason}.")


def _originals(report: IngestionReport) -> Iterator[tuple[Line, bytes]]:
    """The first lines of the quarantine, each with its record; none where it was cleared since."""
    lines, records = (Path(f"{report.quarantine}{ending}") for ending in (LINES, RECORDS))
    if report.quarantine and lines.exists() and records.exists():
        with lines.open(encoding="utf-8") as file:
            for line, record in zip(file, tf.data.TFRecordDataset(str(records)).take(_MOST_READ), strict=False):
                yield json.loads(line), record.numpy()


def _picture(material: Material, line: Line, original: bytes) -> Picture | None:
    content = _image_of(original, (features.ENCODED, material.experiment.data.features.image))
    image_format = format_of(content)
    pixels = announced_pixels(content, image_format) if image_format else None
    if not pixels or pixels > _MOST_PIXELS:
        return None
    try:
        shown = decoded(content)
    except tf.errors.OpError:
        return None
    source = short(line["source"], 40)
    alternative = f"Refused as {line['reason']}: {source}, record {line['index']}"
    return picture(shown, alternative, (source, f"record {line['index']}"))


def _image_of(original: bytes, names: tuple[str, ...]) -> bytes:
    try:
        values = tf.train.Example.FromString(original).features.feature
    except DecodeError:
        return b""
    contents = (content for name in names if name in values for content in values[name].bytes_list.value)
    return next(contents, b"")
