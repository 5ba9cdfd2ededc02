from __future__ import annotations

import hashlib
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from components.image_example_gen.facts import SCHEMA, SPLIT
from components.image_example_gen.splitting import SPLITS, Shares, shares_of, split_of_content
from components.image_example_gen.stratification import allocate, deal_out
from schemas import features
from schemas.data import Splits

Example = tuple[bytes, int, str]


def digest(*parts: object) -> bytes:
    return hashlib.sha256(repr(parts).encode()).digest()


def drawn(sizes: list[int], shares: Shares, seed: object = 0) -> list[Example]:
    """Digest, label and split of classes of these sizes, as ingestion draws them."""
    digests = [(digest(seed, label, number), label) for label, size in enumerate(sizes) for number in range(size)]
    return [(sha256, label, split_of_content(sha256, shares)) for sha256, label in digests]


def moves_of(examples: list[Example], shares: Shares) -> dict[bytes, str]:
    values = {
        SPLIT: [split for _, _, split in examples],
        features.SHA256: [sha256 for sha256, _, _ in examples],
        features.LABEL: [label for _, label, _ in examples],
    }
    table = pa.table({name: pa.array(column, SCHEMA.field(name).type) for name, column in values.items()})
    return deal_out(table, shares)


def dealt(examples: list[Example], shares: Shares) -> dict[int, Counter[str]]:
    """How many examples of each class are in each split in the end."""
    moves = moves_of(examples, shares)
    counts: dict[int, Counter[str]] = {label: Counter() for _, label, _ in examples}
    for sha256, label, split in examples:
        counts[label][moves.get(sha256, split)] += 1
    return counts


def is_exact(counts: Counter[str], shares: Shares) -> bool:
    return all(abs(counts[split] - counts.total() * share) <= 1 + 1e-9 for split, share in shares.wanted.items())


def is_in_all(counts: Counter[str], shares: Shares) -> bool:
    return all(counts[split] for split, share in shares.wanted.items() if share)


@pytest.mark.parametrize("seed", range(60))
def test_every_class_has_its_share(seed: int) -> None:
    """Where a class would be missing from a split, no class is further than one example from its share of any.

    So it is for any number of classes, of any sizes, with any shares; and a class that can be in all splits is.
    """
    random = np.random.default_rng(seed)
    shares = (Shares(0.2, 0.1), Shares(0, 0.1), Shares(0.1, 0), Shares(*random.uniform(0.02, 0.6, 2)))[seed % 4]
    sizes = [int(size) for size in np.exp(random.uniform(0, np.log(300), random.integers(1, 12)))]
    examples = drawn(sizes, shares, seed)
    if not moves_of(examples, shares):
        return
    for label, counts in dealt(examples, shares).items():
        assert counts.total() == sizes[label]
        assert is_exact(counts, shares), (label, counts)
        if counts.total() * min(share for share in shares.wanted.values() if share) >= 1:
            assert is_in_all(counts, shares), (label, counts)


def test_most_random_data_needs_it() -> None:
    """A class of ten images is missing from a drawn split more often than not, and never after that."""
    shares = Shares(0.2, 0.1)
    needed = 0
    for seed in range(50):
        examples = drawn([10, 10, 10], shares, seed)
        is_needed = any(
            not is_in_all(Counter(s for _, one, s in examples if one == label), shares) for label in range(3)
        )
        assert bool(moves_of(examples, shares)) == is_needed
        assert all(is_in_all(counts, shares) for counts in dealt(examples, shares).values())
        needed += is_needed
    assert needed > 25


def test_nothing_moves_where_no_class_is_missing() -> None:
    """Splits that have all classes stay as they were drawn; so do an empty table and data without drawn splits."""
    shares = Shares(0.2, 0.1)
    assert moves_of(drawn([400, 300], shares), shares) == {}
    assert moves_of([], shares) == {}
    assert moves_of([(digest(index), index % 3, "train") for index in range(9)], Shares(0, 0)) == {}


def test_the_result_does_not_depend_on_the_order() -> None:
    """The same images are dealt out alike, in whichever order they were read."""
    shares = Shares(0.2, 0.1)
    examples = drawn([5, 12, 30], shares, seed=1)
    moves = moves_of(examples, shares)
    assert moves
    assert moves_of(examples[::-1], shares) == moves


def test_copies_stay_together() -> None:
    """All copies of an image move as one, and as far as they allow the shares are kept."""
    shares = Shares(0.2, 0.1)
    for seed in range(30):
        sizes = np.random.default_rng(seed).integers(1, 4, 20)
        examples = [
            example for size, example in zip(sizes, drawn([20], shares, seed), strict=True) for _ in range(size)
        ]
        examples = [(sha256, label, "train") for sha256, label, _ in examples]
        counts = dealt(examples, shares)[0]
        assert is_in_all(counts, shares)
        assert is_exact(counts, shares)
    assert moves_of([(digest(0), 0, "train")] * 10, shares) == {}


def test_given_splits_stay_as_they_are() -> None:
    """An image of a split that the data gives never moves, not even where a copy of it is among those to draw from."""
    shares = Shares(0, 0.1)
    given = [(digest("given", index), 0, "test") for index in range(20)]
    copies = [(sha256, 0, "train") for sha256, _, _ in given]
    others = [(digest("other", index), 0, "train") for index in range(20)]
    moves = moves_of([*given, *copies, *others], shares)
    assert len(moves) == 2
    assert moves.keys() <= {sha256 for sha256, _, _ in others}


@pytest.mark.parametrize(("size", "counts"), [(1, (1, 0, 0)), (2, (1, 0, 1)), (3, (2, 0, 1)), (4, (2, 1, 1))])
def test_classes_too_small_for_all_splits(size: int, counts: tuple[int, ...]) -> None:
    """A class of few images is trained on first, then tested, and comes into all splits from four images on."""
    shares = Shares(0.2, 0.1)
    examples = [(sha256, label, "train") for sha256, label, _ in drawn([50, size], shares)]
    assert tuple(dealt(examples, shares)[1][split] for split in SPLITS) == counts


def test_of_many_images_only_missing_classes_move() -> None:
    """From 10,000 images on a class that no split lacks stays as it was drawn, below that all are dealt out."""
    shares = Shares(0.05, 0.1)
    for size, is_small in ((9_000, True), (10_000, False)):
        examples = [*drawn([size], shares), *((digest("rare", index), 1, "train") for index in range(30))]
        moves = moves_of(examples, shares)
        moved = Counter(label for sha256, label, _ in examples if sha256 in moves)
        assert (moved[0] > 0) == is_small
        rare = dealt(examples, shares)[1]
        assert is_exact(rare, shares)
        assert is_in_all(rare, shares)


def test_what_must_move_is_little() -> None:
    """What was drawn for a split stays in it while the class's share allows."""
    shares = Shares(0.2, 0.1)
    examples = drawn([100, 6], shares, seed=3)
    before, after = Counter(split for _, label, split in examples if label == 0), dealt(examples, shares)[0]
    moves = moves_of(examples, shares)
    excess = sum(max(0, after[split] - before[split]) for split in SPLITS)
    assert sum(label == 0 and sha256 in moves for sha256, label, _ in examples) <= 2 * excess


@pytest.mark.parametrize("num_images", [500, 5_000, 50_000])
def test_allocation_is_exact_for_every_size(num_images: int) -> None:
    """For the shares of the rule any number of examples is divided with nothing left over, at most one off."""
    shares = shares_of(Splits(), frozenset(), num_images)
    for size in range(400):
        counts = Counter(allocate(size, shares.wanted))
        assert counts.total() == size
        assert min(counts.values()) >= 0
        assert is_exact(counts, shares), size
        assert counts["train"] or not size
        assert size < 7 or is_in_all(counts, shares), size


@pytest.mark.parametrize(
    ("count", "wanted", "expected"),
    [
        (100, (0.7, 0.1, 0.2), (70, 10, 20)),
        (10, (1.0, 0.0, 0.0), (10, 0, 0)),
        (10, (0.5, 0.0, 0.5), (5, 0, 5)),
        (1, (0.1, 0.45, 0.45), (1, 0, 0)),
        (2, (0.34, 0.33, 0.33), (1, 0, 1)),
        (0, (0.7, 0.1, 0.2), (0, 0, 0)),
    ],
)
def test_allocations(count: int, wanted: tuple[float, ...], expected: tuple[int, ...]) -> None:
    """Exact shares stay exact, a split without a share gets nothing, and training is never left empty for another."""
    allocated = allocate(count, dict(zip(SPLITS, wanted, strict=True)))
    assert tuple(allocated[split] for split in SPLITS) == expected
