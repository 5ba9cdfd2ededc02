from __future__ import annotations

import hashlib
from collections import defaultdict

import numpy as np
import pyarrow as pa

from components.image_example_gen.copies import digests, find_copies, identities, split_codes
from components.image_example_gen.facts import INDEX, SCHEMA, SOURCE, SPLIT
from components.image_example_gen.report import Copies, Copy
from schemas import features


def table(*rows: tuple[str, int, str, int]) -> pa.Table:
    """Facts of examples: an image's content, the index, the split and the label of each."""
    columns = {
        SPLIT: [split for _, _, split, _ in rows],
        SOURCE: [f"file-{index}" for _, index, _, _ in rows],
        INDEX: [index for _, index, _, _ in rows],
        features.SHA256: [hashlib.sha256(content.encode()).digest() for content, _, _, _ in rows],
        features.LABEL: [label for _, _, _, label in rows],
    }
    return pa.table({name: pa.array(values, SCHEMA.field(name).type) for name, values in columns.items()})


def indexes(groups: list[list[Copy]]) -> list[list[int]]:
    return [[copy.index for copy in group] for group in groups]


def test_without_copies_there_is_nothing_to_tell() -> None:
    """An empty table and images that all differ give no copies."""
    assert find_copies(table()) == Copies()
    assert find_copies(table(("a", 0, "train", 0))) == Copies()
    assert find_copies(table(("a", 0, "train", 0), ("b", 1, "test", 0))) == Copies()


def test_copies_are_counted_and_listed() -> None:
    """Copies alone, with two labels, in two splits, and both, are told apart, each with its files and rows."""
    found = find_copies(
        table(
            ("alone", 0, "train", 0),
            ("both", 1, "test", 1),
            ("same", 2, "train", 2),
            ("labels", 3, "eval", 3),
            ("same", 4, "train", 2),
            ("splits", 5, "train", 5),
            ("labels", 6, "eval", 4),
            ("both", 7, "train", 2),
            ("splits", 8, "eval", 5),
            ("splits", 9, "test", 5),
        )
    )
    assert (found.num_images, found.num_examples) == (4, 9)
    assert (found.num_conflicting, found.num_leaking) == (2, 2)
    assert found.conflicting == [
        [Copy("file-1", 1, "test", 1), Copy("file-7", 7, "train", 2)],
        [Copy("file-3", 3, "eval", 3), Copy("file-6", 6, "eval", 4)],
    ]
    assert indexes(found.leaking) == [[1, 7], [5, 8, 9]]
    assert indexes(found.repeated) == [[1, 7], [2, 4], [3, 6], [5, 8, 9]]


def test_counts_are_exact_over_many_tables() -> None:
    """For random tables the counts are those of a plain count by dictionaries."""
    random = np.random.default_rng(0)
    for _ in range(200):
        size, variety = (int(number) for number in random.integers(1, 60, 2))
        rows = [
            (str(image), index, ("train", "eval", "test")[split], int(label))
            for index, (image, split, label) in enumerate(random.integers(0, (variety, 3, 3), (size, 3)))
        ]
        groups: dict[str, list[tuple[str, int, str, int]]] = defaultdict(list)
        for row in rows:
            groups[row[0]].append(row)
        repeated = [group for group in groups.values() if len(group) > 1]
        conflicting = [group for group in repeated if len({row[3] for row in group}) > 1]
        leaking = [group for group in repeated if len({row[2] for row in group}) > 1]
        found = find_copies(table(*rows))
        assert (found.num_images, found.num_examples) == (len(repeated), sum(map(len, repeated)))
        assert (found.num_conflicting, found.num_leaking) == (len(conflicting), len(leaking))
        assert [group[0] for group in indexes(found.conflicting)] == [group[0][1] for group in conflicting]
        assert [group[0] for group in indexes(found.leaking)] == [group[0][1] for group in leaking]


def test_the_list_shows_what_differs() -> None:
    """Of many copies a few are listed, among them those that conflict or leak; of many images the first hundred."""
    rows = [("a", index, "train", 0) for index in range(9)]
    found = find_copies(table(*rows, ("a", 9, "test", 0), ("a", 10, "train", 7)))
    assert indexes(found.leaking) == [[0, 1, 2, 9]]
    assert indexes(found.conflicting) == [[0, 1, 2, 10]]
    many = [(str(index // 2), index, ("train", "test")[index % 2], 0) for index in range(500)]
    found = find_copies(table(*many))
    assert found.num_leaking == 250
    assert indexes(found.leaking) == [[index, index + 1] for index in range(0, 200, 2)]


def test_a_digest_of_zeros_is_one_like_others() -> None:
    """Images are grouped by their digests whatever bits these begin with."""
    zeros, ones = b"\x00" * 32, b"\xff" * 32
    facts = table(*[(str(index), index, "train", index % 2) for index in range(5)])
    column = pa.array([zeros, ones, zeros, ones, zeros], pa.binary(32))
    facts = facts.set_column(facts.column_names.index(features.SHA256), features.SHA256, column)
    found = find_copies(facts)
    assert (found.num_images, found.num_examples, found.num_conflicting) == (2, 5, 0)


def test_digests_of_parts_of_tables() -> None:
    """Digests are right in a table that was sliced, or is made of several, as well as in an empty one."""
    facts = table(*[(str(index), index, "train", 0) for index in range(9)])
    parts = pa.concat_tables([facts.slice(6, 2), facts.slice(0, 0), facts.slice(1, 3)])
    expected = [hashlib.sha256(str(index).encode()).digest() for index in (6, 7, 1, 2, 3)]
    assert [row.tobytes() for row in digests(parts)] == expected
    assert identities(parts).tolist() == [int.from_bytes(digest[:8], "big") for digest in expected]
    assert [row.tobytes() for row in digests(facts.slice(6, 2))] == expected[:2]
    assert digests(facts.slice(0, 0)).shape == (0, 32)


def test_codes_tell_splits_apart() -> None:
    """Rows have equal codes where their splits are equal."""
    names = ["train", "test", "train", "eval", "test"]
    codes = split_codes(table(*[("a", index, name, 0) for index, name in enumerate(names)])).tolist()
    assert [codes.index(code) for code in codes] == [names.index(name) for name in names]
