from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from components.evaluator.slices import COLUMNS, parts_by
from schemas import features
from schemas.evaluation import Fact


def table(**columns: list[Any]) -> pa.Table:
    return pa.table(columns)


@pytest.mark.parametrize(
    ("fact", "columns", "expected"),
    [
        (
            "size",
            {features.HEIGHT: [1, 28, 8, 100, 4000], features.WIDTH: [1, 28, 128, 100, 3000]},
            {"0 to 31": [0, 1], "32 to 63": [2], "64 to 127": [3], "2048 or more": [4]},
        ),
        (
            "brightness",
            {features.MEAN: [0.0, 63.9, 64.0, 255.0]},
            {"0 to 63": [0, 1], "64 to 127": [2], "192 or more": [3]},
        ),
        ("contrast", {features.STDDEV: [3.0, 200.0]}, {"0 to 15": [0], "64 or more": [1]}),
        ("format", {features.FORMAT: [b"PNG", b"JPEG", b"PNG"]}, {"JPEG": [1], "PNG": [0, 2]}),
        ("channels", {features.CHANNELS: [3, 1, 1]}, {"1": [1, 2], "3": [0]}),
        ("source", {"source": ["a/1.png", "b.tfrecord", "a/2.png"]}, {"a": [0, 2], "b.tfrecord": [1]}),
    ],
)
def test_images_are_parted_by_what_is_known_of_them(
    fact: Fact, columns: dict[str, list[Any]], expected: dict[str, list[int]]
) -> None:
    """Each image is in exactly one part, under a name that a person reads; parts are in the order of their numbers."""
    assert COLUMNS[fact] == tuple(columns)
    parts = parts_by(fact, table(**columns))
    assert {name: np.flatnonzero(part).tolist() for name, part in parts.items()} == expected
    assert list(parts) == list(expected)


def test_of_many_parts_the_largest_are_kept() -> None:
    """A hundred of them."""
    sources = [f"{number:03}/a.png" for number in range(150)] + ["149/b.png"]
    parts = parts_by("source", table(source=sources))
    assert len(parts) == 100
    assert parts["149"].sum() == 2
