"""Images written as TFRecords, apart from any experiment."""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from components.durability import sync, sync_tree
from pipeline.capture import captured
from schemas.data import Data
from schemas.listing import is_remote
from schemas.problems import shown_path

if TYPE_CHECKING:
    from components.image_example_gen.report import IngestionReport

INGESTED = "ingested"
TOO_MANY_REFUSED = "too_many_refused"
UNUSABLE = "unusable"
INVALID = "invalid"
FAILED = "failed"

_EXIT_STATUSES = {INGESTED: 0, FAILED: 1, INVALID: 2, TOO_MANY_REFUSED: 3, UNUSABLE: 3}
# A leading _ hides what is no example from whoever reads the directory.
_QUARANTINE = "_quarantine"
_REPORT = "_ingestion.json"
_UNDIVIDED = "examples"


@dataclass
class Ingestion:
    """How it ended."""

    destination: Path
    encoding: str
    status: str = INGESTED
    examples: dict[str, int] = field(default_factory=dict)
    """By the name that their files start with: a split where the source gives some, else `examples`."""
    refused: dict[str, int] = field(default_factory=dict)
    """By reason."""
    num_files: int = 0
    labels: list[str] = field(default_factory=list)
    message: str = ""
    log: str | None = None
    """Of a failure."""

    @property
    def exit_status(self) -> int:
        """For the process."""
        return _EXIT_STATUSES[self.status]

    def to_json(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        return {**vars(self), "destination": str(self.destination)}

    def describe(self) -> str:
        """What was written, what was refused, and how an experiment reads it."""
        if self.status not in (INGESTED, TOO_MANY_REFUSED):
            return self.message
        counts = ", ".join(f"{name} {count}" for name, count in self.examples.items())
        files = f"{self.num_files} file{'s' if self.num_files > 1 else ''}"
        place = shown_path(self.destination)
        lines = [f"wrote {sum(self.examples.values())} examples in {files} to {place} ({counts})"]
        lines += [self.message] if self.message else []
        if self.status == TOO_MANY_REFUSED:
            lines += [
                "to mend: replace or remove these examples, or allow for more by --set"
                f" data.quarantine.max_fraction=...; remove {place} before the next try, or go on with what is there"
            ]
        splits = ", ".join(f'{name}: "{name}-*"' for name in self.examples if name != _UNDIVIDED)
        stated = f", encoding: {self.encoding}" if self.encoding != "compressed" else ""
        stated += f", splits: {{{splits}}}" if splits else ""
        return "\n".join([*lines, f"in an experiment: data: {{source: {self.destination.absolute()}{stated}}}"])


def write_tfrecords(data: Data, place: str, encoding: str) -> Ingestion:
    """Reads a source as an experiment would, and writes its usable examples.

    The directory appears whole, by a renaming: `<split>-<k>-of-<n>.tfrecord` with the canonical features, beside
    `_ingestion.json` and, where something was refused, `_quarantine/`.

    Args:
      data: what to read; its splits are kept where the source gives them, none is drawn.
      place: a directory that is not there yet, or is empty.
      encoding: as `data.encoding`.
    """
    result = Ingestion(Path(place), encoding)
    handle, log = tempfile.mkstemp(prefix="darkroom-ingest-", suffix=".log")
    os.close(handle)
    with captured(Path(log)):
        try:
            _write(data, place, encoding, result)
        except (Exception, KeyboardInterrupt) as error:
            from pipeline.failures import describe, is_about_data

            traceback.print_exc(file=sys.stderr)
            result.status = UNUSABLE if is_about_data(error) else FAILED
            result.message = describe("ingest", error)
    if result.status == FAILED:
        result.log = log
        result.message += f"\nlog: {log}"
    else:
        os.unlink(log)
    return result


def _why_not_there(place: str) -> str:
    """What speaks against a destination; empty where nothing does."""
    path = Path(place)
    if is_remote(place):
        return f"{place} is remote; give a local directory, and copy it then"
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        return f"{place} is there already; give a new directory, or empty it"
    return ""


def _write(data: Data, place: str, encoding: str, result: Ingestion) -> None:
    if refusal := _why_not_there(place):
        result.status, result.message = INVALID, refusal
        return
    destination = Path(place).absolute()
    destination.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{destination.name}.", dir=destination.parent) as growing:
        parts, whole = Path(growing) / "parts", Path(growing) / "whole"
        parts.mkdir()
        whole.mkdir()
        report = _ingest(data, parts, whole / _QUARANTINE, encoding)
        if report.quarantine:
            report.quarantine = str(destination / _QUARANTINE / Path(report.quarantine).name)
        (whole / _REPORT).write_text(report.to_json())
        _gather(report, parts, whole, bool(data.splits.patterns), result)
        _judge(report, data, result)
        sync_tree(whole)
        whole.replace(destination)
        sync(destination.parent)


def _ingest(data: Data, parts: Path, quarantine: Path, encoding: str) -> IngestionReport:
    import apache_beam as beam

    from components.image_example_gen.ingest import ingest
    from components.image_example_gen.splitting import Shares
    from components.image_example_gen.survey import survey
    from pipeline.engine import use_this_process

    use_this_process()
    found = survey(data, str(data.source))
    return ingest(found, data, str(parts), str(quarantine), beam.Pipeline, encoding, Shares(0.0, 0.0))


def _gather(report: IngestionReport, parts: Path, whole: Path, is_divided: bool, result: Ingestion) -> None:
    """Names the shards for their splits, or alike where the source gives none."""
    is_divided = is_divided or sum(count > 0 for count in report.num_examples.values()) > 1
    for split, count in report.num_examples.items():
        if count:
            name = split if is_divided else _UNDIVIDED
            result.num_files += _name_files(sorted((parts / f"Split-{split}").iterdir()), whole, name)
            result.examples[name] = count


def _judge(report: IngestionReport, data: Data, result: Ingestion) -> None:
    result.refused = dict(report.num_refused)
    result.labels = report.labels(data.labels)
    if report.num_refused:
        result.message = report.describe_refusals()
    if report.refused_fraction > data.quarantine.max_fraction:
        result.status = TOO_MANY_REFUSED
        limit = f"the limit is data.quarantine.max_fraction = {data.quarantine.max_fraction:g}"
        result.message = f"a fraction of {report.refused_fraction:.4g} cannot be used; {limit}\n{result.message}"


def _name_files(shards: list[Path], directory: Path, name: str) -> int:
    for number, shard in enumerate(shards):
        shard.rename(directory / f"{name}-{number:05d}-of-{len(shards):05d}.tfrecord")
    return len(shards)
