from __future__ import annotations

import json
import os
from contextlib import ExitStack
from pathlib import Path

import tensorflow as tf

from components.image_example_gen.items import Refused
from components.image_example_gen.quarantine import add_to_quarantine, publish_quarantine, quarantine_path
from components.image_example_gen.shards import Growing, make_directories, publish

FIRST = Refused("a", 3, "undecodable", "cut short", "image/encoded", b"the original")
SECOND = Refused("a", 5, "truncated_file", "the file ends", "image/encoded", b"", 77)
THIRD = Refused(os.fsdecode(b"caf\xe9\n"), 0, "empty", "größer: “0”", "image/encoded", b"\x00\xff")


def refuse(root: Path, unit: str, *items: Refused) -> None:
    make_directories(str(root))
    with ExitStack() as stack:
        files = Growing(stack, str(root))
        for item in items:
            add_to_quarantine(files, quarantine_path(str(root), unit), item)
    publish(files.places)


def read(path: str) -> list[tuple[dict[str, object], bytes]]:
    """The lines and the records beside them."""
    lines = [json.loads(line) for line in Path(f"{path}.jsonl").read_text().splitlines()]
    return list(zip(lines, tf.data.TFRecordDataset(f"{path}.tfrecord").as_numpy_iterator(), strict=True))


def test_record_k_is_the_original_of_line_k(tmp_path: Path) -> None:
    """What all units refused is in one pair of files, in the units' order, an empty record where nothing was read."""
    refuse(tmp_path / "examples", "unit-1", THIRD)
    refuse(tmp_path / "examples", "unit-0", FIRST, SECOND)
    path = publish_quarantine(str(tmp_path / "examples"), str(tmp_path / "kept" / "deep"), "name")
    assert path == str(tmp_path / "kept" / "deep" / "name")
    assert {file.name for file in (tmp_path / "kept" / "deep").iterdir()} == {"name.jsonl", "name.tfrecord"}
    found = read(str(path))
    assert [original for _, original in found] == [b"the original", b"", b"\x00\xff"]
    for (line, _), item in zip(found, (FIRST, SECOND, THIRD), strict=True):
        for key in ("source", "index", "reason", "detail", "feature"):
            assert line[key] == getattr(item, key)
    assert not (tmp_path / "examples" / "quarantine").exists()


def test_a_newer_quarantine_replaces_an_older(tmp_path: Path) -> None:
    """The same data ingested again leaves one pair, the newer."""
    for item in (FIRST, SECOND):
        refuse(tmp_path / "examples", "unit-0", item)
        path = publish_quarantine(str(tmp_path / "examples"), str(tmp_path / "kept"), "name")
    assert [line["index"] for line, _ in read(str(path))] == [5]
    assert len(list((tmp_path / "kept").iterdir())) == 2


def test_without_refusals_there_is_no_quarantine(tmp_path: Path) -> None:
    """Good data leaves no files."""
    make_directories(str(tmp_path / "examples"))
    assert publish_quarantine(str(tmp_path / "examples"), str(tmp_path / "kept"), "name") is None
    assert not list(tmp_path.rglob("name*"))
