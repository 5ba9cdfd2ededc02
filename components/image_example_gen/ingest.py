"""From a surveyed source to examples, facts and a report."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import apache_beam as beam
import numpy as np
from apache_beam.io.filesystems import FileSystems
from tfx.dsl.io import fileio

from components.image_example_gen import copies, stratification
from components.image_example_gen.facts import SPLIT, read_all_facts
from components.image_example_gen.ingestion import IngestUnit, Plan
from components.image_example_gen.quarantine import publish_quarantine
from components.image_example_gen.redistribution import RedistributeUnit
from components.image_example_gen.report import IngestionReport
from components.image_example_gen.shards import GROWING, make_directories, publish, unit_name
from components.image_example_gen.splitting import SPLITS, Shares
from components.image_example_gen.survey import Survey, shares_to_draw
from schemas import features
from schemas.data import Data

_REPORT = "report.json"


def ingest(
    found: Survey,
    data: Data,
    output_uri: str,
    quarantine: str,
    make_pipeline: Callable[[], Any],
    encoding: str | None = None,
    shares: Shares | None = None,
) -> IngestionReport:
    """Reads every image once; writes the examples by split, their facts, and what is refused.

    Args:
      found: the source.
      data: the experiment's section.
      output_uri: an existing directory.
      quarantine: directory for what is refused.
      make_pipeline: gives a Beam pipeline, to be used in a `with` statement.
      encoding: to write images in; None leaves them as they are.
      shares: to draw; None draws what the experiment asks for.
    """
    labels = tuple(found.labels or data.labels or ())
    shares = shares or shares_to_draw(found, data)
    plan = Plan(data, labels, shares, output_uri, len(found.units), encoding or data.encoding)
    make_directories(output_uri)
    report_path = FileSystems.join(output_uri, GROWING, _REPORT)
    with make_pipeline() as pipeline:
        _ = (
            pipeline
            | "Units" >> beam.Create(found.units)
            | "Spread" >> beam.Reshuffle()
            | "Ingest" >> beam.ParDo(IngestUnit(plan))
            | "AddUp" >> beam.CombineGlobally(IngestionReport.merge)
            | "WriteReport" >> beam.Map(_write_report, report_path)
        )
    with fileio.open(report_path) as file:
        report = IngestionReport.from_json(file.read())
    for label, text in enumerate(found.labels):
        report.label_texts.setdefault(label, text)
    report.shares = {split: share for split, share in shares.wanted.items() if share}
    if _may_deal_out(found, data):
        report.is_stratified = _deal_out(plan, make_pipeline)
    _count(report, output_uri)
    report.span = found.span
    report.quarantine = publish_quarantine(output_uri, quarantine, _name(found, data))
    fileio.rmtree(FileSystems.join(output_uri, GROWING))
    return report


def _write_report(report: IngestionReport, path: str) -> None:
    with fileio.open(path, "w") as file:
        file.write(report.to_json())


def _name(found: Survey, data: Data) -> str:
    """Of what was refused: of other files, or by other rules, it has another name."""
    return hashlib.sha256(f"{found.fingerprint}\n{data.model_dump_json()}".encode()).hexdigest()[:12]


def _may_deal_out(found: Survey, data: Data) -> bool:
    """Not with spans, where an image keeps its split whatever else there is, nor beside stated shares or splits."""
    asked = (data.splits.eval, data.splits.test)
    is_stated = found.is_mixed or any(isinstance(share, float) for share in asked)
    return found.span is None and "auto" in asked and not is_stated


def _deal_out(plan: Plan, make_pipeline: Callable[[], Any]) -> bool:
    """Mends splits that lack a class; says whether there was anything to mend."""
    moves = stratification.deal_out(read_all_facts(plan.output_uri, stratification.COLUMNS), plan.shares)
    if not moves:
        return False
    places_path = FileSystems.join(plan.output_uri, GROWING, _REPORT)
    with make_pipeline() as pipeline:
        _ = (
            pipeline
            | "Names" >> beam.Create([unit_name(number, plan.num_units) for number in range(plan.num_units)])
            | "Spread" >> beam.Reshuffle()
            | "Redistribute" >> beam.ParDo(RedistributeUnit(plan.output_uri, moves))
            | "Gather" >> beam.combiners.ToList()
            | "WritePlaces" >> beam.Map(_write_places, places_path)
        )
    with fileio.open(places_path) as file:
        for places in json.loads(file.read()):
            FileSystems.delete([path for path, place in places.items() if place is None])
            publish({path: place for path, place in places.items() if place is not None})
    return True


def _write_places(places: list[dict[str, str | None]], path: str) -> None:
    with fileio.open(path, "w") as file:
        file.write(json.dumps(places))


def _count(report: IngestionReport, output_uri: str) -> None:
    """Counts what is in the splits by now."""
    table = read_all_facts(output_uri, copies.COLUMNS)
    report.copies = copies.find_copies(table)
    split, label = table[SPLIT].to_numpy().astype(str), table[features.LABEL].to_numpy()
    for name in SPLITS:
        labels, counts = np.unique(label[split == name], return_counts=True)
        report.class_counts[name] = dict(zip(labels.tolist(), counts.tolist(), strict=True))
        report.num_examples[name] = int(counts.sum())
