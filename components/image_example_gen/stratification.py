"""Exact shares, class by class, where drawing would leave a class out of a split."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from components.image_example_gen.copies import digests, identities
from components.image_example_gen.facts import SPLIT
from components.image_example_gen.splitting import (
    EVAL,
    LARGE,
    SPLITS,
    TEST,
    TRAIN,
    Shares,
    place_for_eval,
    place_for_test,
)
from schemas import features

COLUMNS = (SPLIT, features.SHA256, features.LABEL)


class _Group(NamedTuple):
    """All examples with one image."""

    sha256: bytes
    size: int
    split: str


def deal_out(table: pa.Table, shares: Shares) -> dict[bytes, str]:
    """Which images must move to another split, so that no class is missing from one that is drawn.

    Every class is dealt out anew where there are fewer than 10,000 images to draw from, else those
    alone that would be missing. A class's share of a split then differs from the wanted one by at most
    one example, unless copies of one image, which stay together, make that impossible; so a class of
    very few examples may be missing still. Images that are also in a split that is not drawn stay where
    they are, for a move takes along all copies.

    Args:
      table: of facts, with `COLUMNS`, as drawn.
      shares: that were drawn.

    Returns:
      The new split by the digest of the image; empty where nothing is to change.
    """
    drawn = [split for split in SPLITS if shares.wanted[split] > 0]
    split, identity = table[SPLIT].to_numpy().astype(str), identities(table)
    is_drawn = np.isin(split, drawn)
    rows = np.flatnonzero(is_drawn & ~np.isin(identity, identity[~is_drawn]))
    split, labels, digest = split[rows], table[features.LABEL].to_numpy()[rows], digests(table)[rows]
    classes, codes = np.unique(labels, return_inverse=True)
    counts = np.stack([np.bincount(codes[split == name], minlength=len(classes)) for name in drawn])
    wanting = set(classes[(counts.min(axis=0) == 0) & (counts.sum(axis=0) >= len(drawn))].tolist())
    if not wanting:
        return {}
    moves: dict[bytes, str] = {}
    order = np.argsort(codes, kind="stable")
    for own in np.split(order, np.cumsum(np.bincount(codes))[:-1]):
        if len(rows) < LARGE or int(labels[own[0]]) in wanting:
            moves.update(_moves(_groups(digest[own], split[own]), shares))
    return moves


def _groups(digest: NDArray[np.uint8], split: NDArray) -> list[_Group]:
    unique, first, sizes = np.unique(digest, axis=0, return_index=True, return_counts=True)
    return [
        _Group(row.tobytes(), int(size), str(split[place]))
        for row, place, size in zip(unique, first, sizes, strict=True)
    ]


def _moves(groups: Sequence[_Group], shares: Shares) -> dict[bytes, str]:
    counts = allocate(sum(group.size for group in groups), shares.wanted)
    new: dict[bytes, str] = {}
    for split, place in ((TEST, place_for_test), (EVAL, place_for_eval)):
        left = counts[split]
        for group in sorted(groups, key=lambda group: place(group.sha256)):
            if group.sha256 not in new and group.size <= left:
                new[group.sha256] = split
                left -= group.size
    return {
        group.sha256: new.get(group.sha256, TRAIN) for group in groups if new.get(group.sha256, TRAIN) != group.split
    }


def allocate(count: int, wanted: Mapping[str, float]) -> dict[str, int]:
    """Divides examples among splits, none further than one example from its share.

    Of all such ways it takes one that leaves the fewest splits empty, training last of all, and of
    those the nearest.

    Args:
      count: of examples.
      wanted: share by split, which add up to 1.
    """
    ideal = {split: count * wanted[split] for split in SPLITS}
    near = {split: range(max(0, int(ideal[split])), int(ideal[split]) + 2) for split in SPLITS}
    ways = []
    for test, evaluated in itertools.product(near[TEST], near[EVAL]):
        way = {TRAIN: count - test - evaluated, EVAL: evaluated, TEST: test}
        distances = [abs(way[split] - ideal[split]) for split in SPLITS]
        if way[TRAIN] < 0 or max(distances) > 1 or any(way[split] for split in SPLITS if not wanted[split]):
            continue
        empty = tuple(wanted[split] > 0 and way[split] == 0 for split in (TRAIN, TEST, EVAL))
        ways.append((empty[0], sum(empty), empty, sum(distance**2 for distance in distances), test, way))
    return min(ways, key=lambda way: way[:-1])[-1]
