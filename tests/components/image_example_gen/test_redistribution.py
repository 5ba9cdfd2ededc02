from __future__ import annotations

import hashlib
import itertools
from contextlib import ExitStack
from pathlib import Path

import pytest
import tensorflow as tf

from components.image_example_gen.facts import Facts, FactsTable, read_all_facts, write_facts
from components.image_example_gen.items import Stored
from components.image_example_gen.redistribution import RedistributeUnit
from components.image_example_gen.shards import Growing, facts_path, make_directories, publish, shard_path, unit_name
from components.image_example_gen.splitting import SPLITS
from schemas import features
from tests.components.images import serialized

NUM_UNITS = 3
Contents = dict[str, list[bytes]]


def digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def write_unit(root: Path, number: int, rows: list[tuple[str, bytes]]) -> str:
    """Writes the shards and the table of a unit from the split and the content of each example."""
    name, table = unit_name(number, NUM_UNITS), FactsTable()
    with ExitStack() as stack:
        files = Growing(stack, str(root))
        for index, (split, content) in enumerate(rows):
            item = Stored(f"file-{number}", index, content, index % 3, "x", None, split)
            table.add(split, item, digest(content), b"x", Facts("PNG", 1, 1, 1, float(index), 0.0))
            payload = serialized(
                {features.ENCODED: content, features.LABEL: index % 3, "source": f"{number}-{index}".encode()}
            )
            files.write_record(shard_path(str(root), split, name), payload)
        write_facts(table.to_arrow(), files.open(facts_path(str(root), name)))
    publish(files.places)
    return name


def apply(places: dict[str, str | None]) -> None:
    """Gives the new files their names, as is done once all units are done."""
    for path, place in places.items():
        if place is None:
            Path(path).unlink()
    publish({path: place for path, place in places.items() if place is not None})


def shards(root: Path) -> Contents:
    """The records of every shard there is, by the split and the name."""
    return {
        f"{path.parent.name}/{path.name}": list(tf.data.TFRecordDataset(str(path)).as_numpy_iterator())
        for path in sorted(root.glob("Split-*/*"))
    }


def agreed(root: Path) -> dict[str, list[bytes]]:
    """The content of every split, after checking that row k of a split is record k of its shard, in every unit."""
    contents: dict[str, list[bytes]] = {split: [] for split in SPLITS}
    columns = ["split", "source", "index", features.SHA256, features.LABEL]
    stored = shards(root)
    rows = iter(read_all_facts(str(root), columns).to_pylist())
    examples = {key: iter(map(tf.train.Example.FromString, records)) for key, records in stored.items()}
    for row in rows:
        number = row["source"].removeprefix("file-")
        key = f"Split-{row['split']}/{unit_name(int(number), NUM_UNITS)}.tfrecord"
        feature = next(examples[key]).features.feature
        (content,) = feature[features.ENCODED].bytes_list.value
        assert digest(content) == row[features.SHA256]
        assert list(feature["source"].bytes_list.value) == [f"{number}-{row['index']}".encode()]
        assert list(feature[features.LABEL].int64_list.value) == [row[features.LABEL]]
        contents[row["split"]].append(content)
    assert [key for key, left in examples.items() if list(left)] == []
    return contents


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Three units: the first in two splits, with copies; the second all in one; the third has none that will move."""
    make_directories(str(tmp_path))
    write_unit(tmp_path, 0, [("train", b"a"), ("test", b"b"), ("train", b"c"), ("train", b"a"), ("test", b"d")])
    write_unit(tmp_path, 1, [("train", b"a"), ("train", b"a")])
    write_unit(tmp_path, 2, [("train", b"y"), ("eval", b"z")])
    return tmp_path


MOVES = {digest(b"a"): "eval", digest(b"b"): "train", digest(b"absent"): "test"}


def test_shards_and_tables_agree_after_moves(root: Path) -> None:
    """Every example is in its new split, with all its copies; none is lost or doubled, and rows match records."""
    before = agreed(root)
    for number in range(NUM_UNITS):
        for places in RedistributeUnit(str(root), MOVES).process(unit_name(number, NUM_UNITS)):
            apply(places)
    after = agreed(root)
    assert after == {"train": [b"b", b"c", b"y"], "eval": [b"a", b"a", b"a", b"a", b"z"], "test": [b"d"]}
    assert sorted(itertools.chain(*after.values())) == sorted(itertools.chain(*before.values()))


def test_a_shard_that_was_emptied_is_gone(root: Path) -> None:
    """Where all examples of a unit leave a split, no empty file stays behind."""
    (places,) = RedistributeUnit(str(root), MOVES).process(unit_name(1, NUM_UNITS))
    apply(places)
    assert [key for key in shards(root) if "00001-of" in key] == ["Split-eval/examples-00001-of-00003.tfrecord"]


def test_units_without_moves_stay(root: Path) -> None:
    """A unit that no move concerns is not written anew."""
    assert list(RedistributeUnit(str(root), MOVES).process(unit_name(2, NUM_UNITS))) == []
    assert list(RedistributeUnit(str(root), {}).process(unit_name(0, NUM_UNITS))) == []


def test_a_second_attempt_does_no_harm(root: Path) -> None:
    """Until the new files get their names the old ones stand, so a bundle that Beam works twice gives the same."""
    before = shards(root)
    stage = RedistributeUnit(str(root), MOVES)
    (first,) = stage.process(unit_name(0, NUM_UNITS))
    assert shards(root) == before
    (second,) = stage.process(unit_name(0, NUM_UNITS))
    assert first.keys() == second.keys()
    assert not {place for place in first.values() if place} & {place for place in second.values() if place}
    apply(second)
    after = shards(root)
    assert agreed(root)["eval"] == [b"a", b"a", b"z"]
    publish({path: place for path, place in first.items() if place is not None})
    assert shards(root) == after


def test_moving_again_changes_nothing(root: Path) -> None:
    """What is in its new split already stays there."""
    for _ in range(2):
        for places in RedistributeUnit(str(root), MOVES).process(unit_name(0, NUM_UNITS)):
            apply(places)
        contents = agreed(root)
    assert contents["eval"] == [b"a", b"a", b"z"]
