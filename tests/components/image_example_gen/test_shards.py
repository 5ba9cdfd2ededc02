from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest
import tensorflow as tf

from components.image_example_gen.shards import (
    GROWING,
    Growing,
    facts_path,
    make_directories,
    publish,
    shard_path,
    unit_name,
)


def grow(root: Path, *payloads: bytes) -> dict[str, str]:
    """Writes a shard and a text, and gives where they are."""
    with ExitStack() as stack:
        files = Growing(stack, str(root))
        for payload in payloads:
            files.write_record(str(root / "shard"), payload)
        files.open(str(root / "text")).write(b"a text")
    return files.places


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_names_follow_from_the_unit() -> None:
    """The same unit has the same files in every run, and TFX finds them in their split's directory."""
    name = unit_name(3, 12)
    assert name == "examples-00003-of-00012"
    assert shard_path("/out", "eval", name) == "/out/Split-eval/examples-00003-of-00012.tfrecord"
    assert facts_path("/out", name) == "/out/facts/examples-00003-of-00012.parquet"


def test_directories_are_made_once(tmp_path: Path) -> None:
    """Also where some are there already, and what is in them stays."""
    make_directories(str(tmp_path))
    (tmp_path / "Split-train" / "kept").touch()
    make_directories(str(tmp_path))
    names = {"Split-train", "Split-eval", "Split-test", "facts", "growing", "quarantine"}
    assert {path.name for path in tmp_path.iterdir()} == names
    assert (tmp_path / "Split-train" / "kept").exists()


def test_files_have_no_name_until_they_are_whole(tmp_path: Path) -> None:
    """While they grow, they are elsewhere; published, they are what was written, and nothing is left behind."""
    make_directories(str(tmp_path))
    places = grow(tmp_path, b"first", b"second")
    assert set(places) == {str(tmp_path / "shard"), str(tmp_path / "text")}
    assert all(name.startswith(f"{GROWING}/") for name in contents(tmp_path))
    publish(places)
    assert set(contents(tmp_path)) == {"shard", "text"}
    records = tf.data.TFRecordDataset(str(tmp_path / "shard")).as_numpy_iterator()
    assert list(records) == [b"first", b"second"]


def test_a_second_attempt_replaces_the_first(tmp_path: Path) -> None:
    """Two attempts at the same files do not meet while they grow; the last to be published is the one there."""
    make_directories(str(tmp_path))
    first, second = grow(tmp_path, b"first"), grow(tmp_path, b"second", b"third")
    assert not set(first.values()) & set(second.values())
    publish(first)
    publish(second)
    assert set(contents(tmp_path)) == {"shard", "text"}
    assert list(tf.data.TFRecordDataset(str(tmp_path / "shard")).as_numpy_iterator()) == [b"second", b"third"]


def test_an_attempt_that_fails_publishes_nothing(tmp_path: Path) -> None:
    """An error while files grow leaves no file under its name."""
    make_directories(str(tmp_path))

    def fail() -> None:
        with ExitStack() as stack:
            Growing(stack, str(tmp_path)).write_record(str(tmp_path / "shard"), b"first")
            raise ValueError("in the middle")

    with pytest.raises(ValueError, match="in the middle"):
        fail()
    assert all(name.startswith(f"{GROWING}/") for name in contents(tmp_path))
