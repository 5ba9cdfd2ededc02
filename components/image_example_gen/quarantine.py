"""Examples that cannot be used, kept for people to look at."""

from __future__ import annotations

import json
import shutil
import uuid
from dataclasses import asdict
from pathlib import Path

from apache_beam.io.filesystems import FileSystems

from components.durability import make_directories, sync
from components.image_example_gen.items import Refused
from components.image_example_gen.report import Refusal
from components.image_example_gen.shards import QUARANTINE, Growing, publish
from schemas.listing import is_remote

RECORDS, LINES = ".tfrecord", ".jsonl"


def quarantine_path(output_uri: str, name: str) -> str:
    """Where a unit's refused examples are, without the ending of the two files."""
    return FileSystems.join(output_uri, QUARANTINE, name)


def add_to_quarantine(files: Growing, path: str, refused: Refused) -> None:
    """Writes an original and its line; record k of the TFRecord belongs to line k.

    Args:
      files: to write to.
      path: as `quarantine_path` gives it.
      refused: its original may be empty, where nothing of it could be read.
    """
    files.write_record(path + RECORDS, refused.original)
    line = json.dumps(asdict(Refusal.of(refused)))
    files.open(path + LINES).write(f"{line}\n".encode())


def publish_quarantine(output_uri: str, directory: str, name: str) -> str | None:
    """Moves what all units refused from beside the examples into one pair of files.

    Args:
      output_uri: of the examples.
      directory: for the pair, which is on the disk then; made where it is missing.
      name: of the pair; an older one of the same name is replaced.

    Returns:
      The pair's path without its endings; None where nothing was refused.
    """
    parts = FileSystems.join(output_uri, QUARANTINE)
    path = FileSystems.join(directory, name)
    lines = _files(parts, LINES)
    is_local = bool(lines) and not is_remote(directory)
    if is_local:
        make_directories(Path(directory))
    places = {}
    for ending in (RECORDS, LINES) if lines else ():
        places[path + ending] = growing = FileSystems.join(directory, f".{uuid.uuid4().hex}{ending}")
        with FileSystems.create(growing, compression_type="uncompressed") as whole:
            for part in _files(parts, ending):
                with FileSystems.open(part, compression_type="uncompressed") as file:
                    shutil.copyfileobj(file, whole)
    publish(places)
    if is_local:
        # It is no output of the stage, with which it would be brought to the disk.
        for place in (*places, directory):
            sync(Path(place))
    FileSystems.delete([parts])
    return path if lines else None


def _files(directory: str, ending: str) -> list[str]:
    matched = FileSystems.match([FileSystems.join(directory, f"*{ending}")])
    return sorted(metadata.path for metadata in matched[0].metadata_list)
