"""Images written as TFRecords, apart from any experiment."""

from __future__ import annotations

import os
import shutil
import sys
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.capture import captured
from schemas.data import Data
from schemas.problems import shown_path

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
        place = shown_path(self.destination)
        counts = ", ".join(f"{name} {count}" for name, count in self.examples.items())
        lines = [f"wrote {sum(self.examples.values())} examples in {self.num_files} files to {place} ({counts})"]
        lines += [self.message] if self.message else []
        splits = ", ".join(f'{name}: "{name}-*"' for name in self.examples if name != _UNDIVIDED)
        stated = f", encoding: {self.encoding}" if self.encoding != "compressed" else ""
        stated += f", splits: {{{splits}}}" if splits else ""
        return "\n".join([*lines, f"in an experiment: data: {{source: {place}{stated}}}"])


def write_tfrecords(data: Data, destination: Path, encoding: str) -> Ingestion:
    """Reads a source as an experiment would, and writes its usable examples.

    DEST appears whole, by a renaming: `<split>-<k>-of-<n>.tfrecord` with the canonical features, beside
    `_ingestion.json` and, where something was refused, `_quarantine/`.

    Args:
      data: what to read; its splits are kept where the source gives them, none is drawn.
      destination: a directory that is not there yet, or is empty.
      encoding: as `data.encoding`.
    """
    result = Ingestion(destination, encoding)
    if "://" in str(destination):
        result.status, result.message = INVALID, f"{destination} is remote; give a local directory, and copy it then"
        return result
    if destination.exists() and (not destination.is_dir() or any(destination.iterdir())):
        result.status, result.message = INVALID, f"{destination} is there already; give a new directory, or empty it"
        return result
    growing = destination.absolute().with_name(f".{destination.name}.growing")
    with captured(Path(os.devnull)):
        try:
            _write(data, growing, destination.absolute(), encoding, result)
        except (Exception, KeyboardInterrupt) as error:
            from pipeline.failures import describe, is_about_data

            traceback.print_exc(file=sys.stderr)
            result.status = UNUSABLE if is_about_data(error) else FAILED
            result.message = describe("ingest", error)
        finally:
            shutil.rmtree(growing, ignore_errors=True)
    return result


def _write(data: Data, growing: Path, destination: Path, encoding: str, result: Ingestion) -> None:
    import apache_beam as beam

    from components.image_example_gen.ingest import ingest
    from components.image_example_gen.splitting import Shares, patterns_of
    from components.image_example_gen.survey import survey
    from pipeline.engine import use_this_process

    use_this_process()
    shutil.rmtree(growing, ignore_errors=True)
    growing.mkdir(parents=True)
    found = survey(data, str(data.source))
    parts, whole = growing / "parts", growing / "whole"
    whole.mkdir()
    parts.mkdir()
    report = ingest(
        found._replace(shares=Shares(0.0, 0.0)), data, str(parts), str(whole / _QUARANTINE), beam.Pipeline, encoding
    )
    report.quarantine = str(destination / _QUARANTINE / Path(report.quarantine).name) if report.quarantine else None
    (whole / _REPORT).write_text(report.to_json())
    is_divided = bool(patterns_of(data.splits)) or sum(count > 0 for count in report.num_examples.values()) > 1
    for split, count in report.num_examples.items():
        if count:
            name = split if is_divided else _UNDIVIDED
            result.num_files += _name_files(sorted((parts / f"Split-{split}").iterdir()), whole, name)
            result.examples[name] = count
    result.refused = dict(report.num_refused)
    result.labels = report.labels(data.labels)
    if report.num_refused:
        result.message = report.describe_refusals()
    if report.refused_fraction > data.quarantine.max_fraction:
        result.status = TOO_MANY_REFUSED
        limit = f"the limit is data.quarantine.max_fraction = {data.quarantine.max_fraction:g}"
        result.message = f"a fraction of {report.refused_fraction:.4g} cannot be used; {limit}\n{result.message}"
    os.replace(whole, destination)


def _name_files(shards: list[Path], directory: Path, name: str) -> int:
    for number, shard in enumerate(shards):
        shard.rename(directory / f"{name}-{number:05d}-of-{len(shards):05d}.tfrecord")
    return len(shards)
