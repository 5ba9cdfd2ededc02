from __future__ import annotations

import hashlib
from collections import Counter

import pytest

from components.image_example_gen.splitting import overlapping, split_of_content, split_of_file
from schemas.experiment import Splits

PATTERNS = Splits(train="train/*", eval="val*", test="*.test")


def digests(count: int) -> list[bytes]:
    return [hashlib.sha256(str(index).encode()).digest() for index in range(count)]


@pytest.mark.parametrize(("eval_share", "test_share"), [(0.1, 0.1), (0.25, 0.05), (0.01, 0.9)])
def test_shares_are_met(eval_share: float, test_share: float) -> None:
    """Over 20,000 digests each split's share is within one percentage point of the wanted."""
    splits = Splits(eval=eval_share, test=test_share)
    counts = Counter(split_of_content(digest, splits) for digest in digests(20_000))
    wanted = {"train": 1 - eval_share - test_share, "eval": eval_share, "test": test_share}
    assert counts.keys() == wanted.keys()
    for split, share in wanted.items():
        assert abs(counts[split] / 20_000 - share) < 0.01, split


def test_the_same_bytes_fall_in_the_same_split() -> None:
    """The split is a function of the digest and the shares alone: these splits hold for good."""
    first = [split_of_content(digest, Splits(eval=0.3, test=0.3)) for digest in digests(12)]
    assert first == [split_of_content(digest, Splits(eval=0.3, test=0.3)) for digest in digests(12)]
    assert " ".join(first) == ("test test train test eval train train test eval eval eval test")


def test_a_share_is_drawn_apart_from_the_others() -> None:
    """With a pattern for one split only the other's share is drawn; with two patterns all else trains."""
    assert {split_of_content(digest, Splits(eval="e*", test=0.5)) for digest in digests(50)} == {"train", "test"}
    assert {split_of_content(digest, Splits(eval=0.5, test="t*")) for digest in digests(50)} == {"train", "eval"}
    assert {split_of_content(digest, Splits(eval="e*", test="t*")) for digest in digests(50)} == {"train"}


def test_the_edges_of_a_share() -> None:
    """The digests from 0 up to the first share are eval, from there up to the sum test, all above train."""
    splits = Splits(eval=0.25, test=0.25)
    places = {
        b"\x00" * 32: "eval",
        b"\x3f\xff" + b"\x00" * 30: "eval",
        b"\x40" + b"\x00" * 31: "test",
        b"\x7f\xff" + b"\x00" * 30: "test",
        b"\x80" + b"\x00" * 31: "train",
        b"\xff" * 32: "train",
    }
    assert {digest: split_of_content(digest, splits) for digest in places} == places


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
        ("val-00000", Splits(), "train"),
    ],
)
def test_patterns_take_files(path: str, splits: Splits, split: str | None) -> None:
    """A pattern takes the files below the source that it matches; without one, training takes the rest."""
    assert split_of_file(path, splits) == split


def test_a_file_in_two_splits_is_seen() -> None:
    """Every split whose pattern takes the file is named; a split without a pattern never is."""
    assert overlapping("train/a.test", PATTERNS) == ["train", "test"]
    assert overlapping("val.test", PATTERNS) == ["eval", "test"]
    assert overlapping("train/a", PATTERNS) == ["train"]
    assert overlapping("val", Splits(eval="val")) == ["eval"]
    assert overlapping("other", Splits()) == []
