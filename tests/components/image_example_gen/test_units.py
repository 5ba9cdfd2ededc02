from __future__ import annotations

from components.image_example_gen.source import SourceFile
from components.image_example_gen.units import Entry, units_of_entries, units_of_files

MEBIBYTE = 1 << 20


def entry(number: int, num_bytes: int) -> Entry:
    return Entry(f"/d/{number}", str(number), 0, num_bytes, 0, "", "train")


def sizes(*num_bytes: int) -> list[int]:
    """How many entries each unit holds, after checking that all are there, in order."""
    entries = [entry(number, size) for number, size in enumerate(num_bytes)]
    units = units_of_entries(iter(entries))
    assert [one for unit in units for one in unit.entries] == entries
    assert [unit.number for unit in units] == list(range(len(units)))
    assert all(unit.file is None for unit in units)
    return [len(unit.entries) for unit in units]


def test_units_are_bounded_by_their_number_of_files() -> None:
    """A thousand small files make a unit, and one more begins the next."""
    assert sizes(*[1] * 1000) == [1000]
    assert sizes(*[1] * 2001) == [1000, 1000, 1]


def test_units_are_bounded_by_their_bytes() -> None:
    """Files of 64 MiB together make a unit; a larger file is one of its own, and no unit is empty."""
    assert sizes(32 * MEBIBYTE, 32 * MEBIBYTE, 1) == [2, 1]
    assert sizes(32 * MEBIBYTE, 32 * MEBIBYTE + 1, 1) == [1, 2]
    assert sizes(1, 200 * MEBIBYTE, 1, 1) == [1, 1, 2]
    assert sizes(200 * MEBIBYTE) == [1]
    assert sizes() == []


def test_each_tfrecord_file_is_a_unit() -> None:
    """A file of records keeps its split, and units are numbered in the order of the files."""
    files = [SourceFile(f"/d/{name}", name, name, 3, 0.0) for name in "ab"]
    units = units_of_files(zip(files, ("train", "test"), strict=True))
    assert [(unit.number, unit.split, unit.file, unit.entries) for unit in units] == [
        (0, "train", files[0], ()),
        (1, "test", files[1], ()),
    ]
