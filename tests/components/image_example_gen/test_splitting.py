from __future__ import annotations

import hashlib
from collections import Counter

import pytest

from components.errors import DataError
from components.image_example_gen.splitting import (
    LARGE,
    Shares,
    shares_of,
    split_named,
    split_of_content,
    split_of_file,
)
from schemas.data import Splits

PATTERNS = Splits(train="train/*", eval="val*", test="*.test")
DIGESTS = [hashlib.sha256(str(index).encode()).digest() for index in range(20_000)]


def drawn(num_images: int, splits: Splits | None = None, given: frozenset[str] = frozenset()) -> Shares:
    return shares_of(splits or Splits(), given, num_images)


def in_test(num_images: int) -> set[bytes]:
    shares = drawn(num_images)
    return {digest for digest in DIGESTS if split_of_content(digest, shares) == "test"}


@pytest.mark.parametrize(
    ("num_images", "test"),
    [(1, 0.2), (999, 0.2), (1_000, 0.1), (9_999, 0.1), (LARGE, 0.05), (10_000, 0.05), (5_000_000, 0.05)],
)
def test_the_rule_of_shares(num_images: int, test: float) -> None:
    """By itself the test takes 20 % of fewer than 1,000 images, 10 % of fewer than 10,000, else 5 %.

    The eval split takes 10 % of the rest. Spans, which come and go, always give 10 % for the test.
    """
    shares = drawn(num_images)
    assert shares == (test, 0.1)
    assert shares_of(Splits(), frozenset(), None) == (0.1, 0.1)
    assert shares.wanted == pytest.approx({"train": (1 - test) * 0.9, "eval": (1 - test) * 0.1, "test": test})


@pytest.mark.parametrize("shares", [Shares(0.2, 0.1), Shares(0.05, 0.1), Shares(0.9, 0.5), Shares(0.25, 0.05)])
def test_shares_are_met(shares: Shares) -> None:
    """Over 20,000 digests each split's share is within one percentage point of the wanted."""
    counts = Counter(split_of_content(digest, shares) for digest in DIGESTS)
    assert counts.keys() == shares.wanted.keys()
    for split, share in shares.wanted.items():
        assert abs(counts[split] / len(DIGESTS) - share) < 0.01, split


def test_the_same_bytes_fall_in_the_same_split() -> None:
    """Within a tier of the rule the split follows from the digest alone: these splits hold for good."""
    tiers = ((2, 999), (1_000, 9_999), (10_000, 5_000_000))
    for fewest, most in tiers:
        splits = [[split_of_content(digest, drawn(count)) for digest in DIGESTS[:50]] for count in (fewest, most)]
        assert splits[0] == splits[1]
    first = [split_of_content(digest, drawn(10)) for digest in DIGESTS[:16]]
    assert (
        " ".join(first) == "train train train train test train train train test eval test train test test train train"
    )


def test_tests_are_nested() -> None:
    """Where a data set grows into a tier with a smaller share, no image comes to the test that was not in it."""
    small, medium, large = in_test(999), in_test(9_999), in_test(10_000)
    assert large < medium < small
    before, after = drawn(999), drawn(10_000)
    for digest in set(DIGESTS) - small:
        assert split_of_content(digest, before) == split_of_content(digest, after)


def test_stated_shares() -> None:
    """A share that is stated is one of all examples, however many there are, and whatever the other split takes."""
    for num_images in (1, 5_000, 50_000):
        wanted = drawn(num_images, Splits(eval=0.3, test=0.4)).wanted
        assert wanted == pytest.approx({"train": 0.3, "eval": 0.3, "test": 0.4})
    assert drawn(10, Splits(eval=0.4)).wanted == pytest.approx({"train": 0.4, "eval": 0.4, "test": 0.2})
    assert drawn(10, Splits(test=0.5)).wanted == pytest.approx({"train": 0.45, "eval": 0.05, "test": 0.5})


def test_what_is_given_is_not_drawn() -> None:
    """A split that has a pattern, or with `auto` one that the data gives, takes nothing of the training files."""
    assert drawn(10, Splits(eval="e*", test="t*")) == (0, 0)
    assert drawn(10, Splits(eval="e*", test=0.5)) == (0.5, 0)
    assert drawn(10, Splits(test="t*")) == (0, 0.1)
    assert drawn(10, given=frozenset({"train", "eval", "test"})) == (0, 0)
    assert drawn(10, given=frozenset({"test"})) == (0, 0.1)
    assert drawn(10, given=frozenset({"eval"})) == (0.2, 0)
    assert drawn(10, given=frozenset({"train"})) == (0.2, 0.1)
    assert {split_of_content(digest, Shares(0, 0)) for digest in DIGESTS[:100]} == {"train"}


def test_shares_that_leave_nothing_to_train_on() -> None:
    """An eval share that fits only beside a smaller test is refused with both shares and the ways out."""
    assert drawn(50_000, Splits(eval=0.9)).wanted == pytest.approx({"train": 0.05, "eval": 0.9, "test": 0.05})
    with pytest.raises(DataError, match=r"^eval takes 0\.9 and the test 0\.2 of the examples.*data\.splits\.eval"):
        drawn(500, Splits(eval=0.9))


def test_the_edges_of_a_share() -> None:
    """The digests from 0 up to a share are in the split, all from there on are not."""
    shares = Shares(0.25, 0.5)
    for for_test, for_eval, split in (
        ("0000", "ffff", "test"),
        ("3fff", "0000", "test"),
        ("4000", "0000", "eval"),
        ("ffff", "7fff", "eval"),
        ("4000", "8000", "train"),
        ("ffff", "ffff", "train"),
    ):
        digest = bytes.fromhex(for_eval.ljust(16, "0") + for_test.ljust(16, "0")) + bytes(16)
        assert split_of_content(digest, shares) == split, (for_test, for_eval)


@pytest.mark.parametrize(
    ("path", "splits", "split"),
    [
        ("train/a", PATTERNS, "train"),
        ("val-00000", PATTERNS, "eval"),
        ("deep/er/a.test", PATTERNS, "test"),
        ("other", PATTERNS, None),
        ("VAL-00000", PATTERNS, None),
        ("other", Splits(eval="val*", test="*.test"), "train"),
        ("val-00000", Splits(eval="val*"), "eval"),
        ("auto", Splits(), "train"),
        ("val-00000", Splits(eval=0.2, test=0.2), "train"),
    ],
)
def test_patterns_take_files(path: str, splits: Splits, split: str | None) -> None:
    """A pattern takes the files below the source that it matches; without one, training takes the rest."""
    assert split_of_file(path, splits) == split


@pytest.mark.parametrize(("path", "both"), [("train/a.test", "train and test"), ("val.test", "eval and test")])
def test_a_file_in_two_splits_is_refused(path: str, both: str) -> None:
    """A file that two patterns take would leak between splits: the error names it, both, and the mend."""
    with pytest.raises(DataError, match=rf"^{path} belongs to the splits {both} at once; .* data\.splits"):
        split_of_file(path, PATTERNS)


def test_only_texts_are_patterns() -> None:
    """Neither a share nor `auto` is a pattern."""
    assert PATTERNS.patterns == {"train": "train/*", "eval": "val*", "test": "*.test"}
    assert Splits(train="a", eval=0.5).patterns == {"train": "a"}


@pytest.mark.parametrize(
    ("names", "split"),
    [
        (("train", "Training", " TRAIN "), "train"),
        (("eval", "val", "valid", "Validation", "dev"), "eval"),
        (("test", "TESTING"), "test"),
        (("", "tests", "holdout", "0"), None),
    ],
)
def test_usual_names_of_splits(names: tuple[str, ...], split: str | None) -> None:
    """A split is known by its usual names, in capitals or not, and by no other."""
    assert {split_named(name) for name in names} == {split}


@pytest.mark.parametrize("split", ["eval", "test"])
def test_a_share_of_a_split_that_is_given(split: str) -> None:
    """It is refused, for it would take images from training on top of those that the data gives."""
    with pytest.raises(DataError, match=rf"data\.splits\.{split} is 0\.2, but the data gives the split {split} itself"):
        shares_of(Splits.model_validate({split: 0.2}), frozenset({"train", split}), 1_000)
