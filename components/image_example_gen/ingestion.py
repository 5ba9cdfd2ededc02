"""The Beam stage that turns each unit of a source into one shard per split."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import NamedTuple

import apache_beam as beam

from components.image_example_gen.canonical import Builder, Inspected, digest_of, inspect, unusable
from components.image_example_gen.encoding import reencode
from components.image_example_gen.facts import FactsTable, write_facts
from components.image_example_gen.inspection import Unusable, inspect_header
from components.image_example_gen.items import Refused, Stored
from components.image_example_gen.quarantine import add_to_quarantine, quarantine_path
from components.image_example_gen.reading import read_unit
from components.image_example_gen.report import IngestionReport
from components.image_example_gen.shards import Growing, facts_path, publish, shard_path, unit_name
from components.image_example_gen.splitting import SPLITS, UNASSIGNED, Shares, split_of_content
from components.image_example_gen.tfrecord import FRAMING
from components.image_example_gen.units import Unit
from schemas.data import Data

_BATCH_EXAMPLES = 512
_BATCH_BYTES = 32 << 20
# Decoded and measured, a pixel takes some 20 bytes. A batch exceeds this by one image at most.
_BATCH_PIXELS = 32 << 20


class Plan(NamedTuple):
    """What holds for all units of a source."""

    data: Data
    labels: tuple[str, ...]
    """Names of the classes, where the source or the experiment numbers them by their names; else empty."""
    shares: Shares
    output_uri: str
    num_units: int
    encoding: str
    """What the images are written as: as the source's are, or another."""


class IngestUnit(beam.DoFn):
    """Reads one unit, checks and measures its images, writes a shard for each split it feeds.

    The files' names follow from the unit's place in the source, so a bundle that Beam works twice
    writes the same files again.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    def process(self, element: Unit) -> Iterator[IngestionReport]:
        """Yields what it counted in the unit."""
        plan = self._plan
        name = unit_name(element.number, plan.num_units)
        report, table, builder = IngestionReport(), FactsTable(), Builder(plan.labels)
        shards = {split: shard_path(plan.output_uri, split, name) for split in SPLITS}
        with ExitStack() as stack:
            files = Growing(stack, plan.output_uri)
            for outcome in _inspected(read_unit(element, plan.data), plan.data, stack):
                if isinstance(outcome, Refused):
                    report.refuse(outcome)
                    add_to_quarantine(files, quarantine_path(plan.output_uri, name), outcome)
                    continue
                item, facts = reencode(*outcome, plan.encoding)
                sha256 = digest_of(item)
                split = split_of_content(sha256, plan.shares) if item.split == UNASSIGNED else item.split
                files.write_record(shards[split], builder.serialize(item, facts, sha256))
                table.add(split, item, sha256, builder.text(item), facts)
                report.keep(len(item.original) + FRAMING if item.original is not None else 0)
                if item.text:
                    report.name_label(item.label, item.text)
            write_facts(table.to_arrow(), files.open(facts_path(plan.output_uri, name)))
        publish(files.places)
        yield report


def _inspected(items: Iterable[Stored | Refused], data: Data, stack: ExitStack) -> Iterator[Inspected | Refused]:
    """Inspects batch by batch, in a thread of its own: TensorFlow decodes one while the last is written."""
    worker = stack.enter_context(ThreadPoolExecutor(1))
    pending = None
    for batch in _batches(items, data):
        following = worker.submit(inspect, batch, data)
        if pending is not None:
            yield from pending.result()
        pending = following
    if pending is not None:
        yield from pending.result()


def _batches(items: Iterable[Stored | Refused], data: Data) -> Iterator[list[Stored | Refused]]:
    """Batches bounded by what they hold, encoded and decoded; images that must not be decoded are refused."""
    batch: list[Stored | Refused] = []
    num_bytes = num_pixels = 0
    for item in items:
        if isinstance(item, Refused):
            batch.append(item)
            continue
        header = inspect_header(item.content, item.shape, data.encoding, data.quarantine.max_pixels)
        if isinstance(header, Unusable):
            batch.append(unusable(item, header, data))
            continue
        batch.append(item)
        num_pixels += header
        num_bytes += len(item.content)
        if len(batch) >= _BATCH_EXAMPLES or num_bytes >= _BATCH_BYTES or num_pixels >= _BATCH_PIXELS:
            yield batch
            batch, num_bytes, num_pixels = [], 0, 0
    if batch:
        yield batch
