from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa

from components.image_example_gen.facts import (
    INDEX,
    SCHEMA,
    SOURCE,
    SPLIT,
    Facts,
    FactsTable,
    facts_files,
    read_all_facts,
    read_facts,
    write_facts,
)
from components.image_example_gen.items import Stored
from schemas import features

FACTS = Facts("PNG", 4, 5, 3, 100.5, 20.25)
# More than two chunks of what is packed at once.
NUM_ROWS = 10_000


def table_of(indices: range, split: str = "train") -> pa.Table:
    table = FactsTable()
    for index in indices:
        item = Stored("a/b", index, bytes(index % 7), index % 3, None, None, split)
        table.add(split, item, index.to_bytes(32, "big"), b"cat", FACTS._replace(height=index))
    return table.to_arrow()


def write(root: Path, name: str, table: pa.Table) -> None:
    (root / "facts").mkdir(parents=True, exist_ok=True)
    with (root / "facts" / name).open("wb") as file:
        write_facts(table, file)


def test_a_row_holds_all_that_is_known_of_an_image() -> None:
    """Its split, place, digest, class and facts, but not the image."""
    item = Stored("a/b", 7, b"12345", 2, "cat", "kitten.png", "train")
    table = FactsTable()
    table.add("eval", item, bytes(range(32)), b"cat", FACTS)
    assert table.to_arrow().to_pylist() == [
        {
            SPLIT: "eval",
            SOURCE: "a/b",
            INDEX: 7,
            features.SHA256: bytes(range(32)),
            features.LABEL: 2,
            features.LABEL_TEXT: b"cat",
            features.FORMAT: b"PNG",
            features.HEIGHT: 4,
            features.WIDTH: 5,
            features.CHANNELS: 3,
            features.NUM_BYTES: 5,
            features.MEAN: 100.5,
            features.STDDEV: 20.25,
        }
    ]


def test_every_row_stands_in_its_place(tmp_path: Path) -> None:
    """However many there are, rows come back in the order in which they were added, in the schema's types."""
    write(tmp_path, "a.parquet", table_of(range(NUM_ROWS)))
    table = read_facts(str(tmp_path / "facts" / "a.parquet"))
    assert table.schema.equals(SCHEMA)
    assert table[INDEX].to_pylist() == table[features.HEIGHT].to_pylist() == list(range(NUM_ROWS))


def test_a_file_whose_name_is_no_text_has_a_row() -> None:
    """A name in another encoding than UTF-8 is made readable; a name in any script stays as it is."""
    table = FactsTable()
    for name in (os.fsdecode(b"caf\xe9"), "ünï ☃"):
        table.add("train", Stored(name, 0, b"", 0, None, None, "train"), bytes(32), b"", FACTS)
    assert table.to_arrow()[SOURCE].to_pylist() == ["caf\N{REPLACEMENT CHARACTER}", "ünï ☃"]


def test_all_tables_are_read_as_one(tmp_path: Path) -> None:
    """In the order of their files' names, with the columns that are asked for, in their order; one may be empty."""
    write(tmp_path, "b.parquet", table_of(range(3, 5)))
    write(tmp_path, "a.parquet", table_of(range(3)))
    write(tmp_path, "c.parquet", FactsTable().to_arrow())
    assert [Path(path).name for path in facts_files(str(tmp_path))] == ["a.parquet", "b.parquet", "c.parquet"]
    table = read_all_facts(str(tmp_path), [INDEX, SPLIT])
    assert table.column_names == [INDEX, SPLIT]
    assert table[INDEX].to_pylist() == list(range(5))


def test_without_tables_there_are_no_rows(tmp_path: Path) -> None:
    """Where nothing was ingested, there is a table all the same."""
    assert read_all_facts(str(tmp_path), [SPLIT]).num_rows == 0
