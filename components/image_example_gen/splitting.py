"""Which split an example belongs to."""

from __future__ import annotations

import fnmatch
from typing import NamedTuple

from components.errors import DataError
from schemas.data import Splits

TRAIN, EVAL, TEST = SPLITS = ("train", "eval", "test")
# Of an image whose split is drawn.
UNASSIGNED = ""

_USUAL_NAMES = {
    "train": TRAIN,
    "training": TRAIN,
    "eval": EVAL,
    "val": EVAL,
    "valid": EVAL,
    "validation": EVAL,
    "dev": EVAL,
    "test": TEST,
    "testing": TEST,
}
# The handbook's rule: the share of the test by the number of images it is for, and of the rest for the eval split.
_TEST_SHARES = ((1_000, 0.2), (10_000, 0.1))
_LARGE_TEST_SHARE = 0.05
# Spans come and go: a share that followed their size would let an image change its split.
_SPANS_TEST_SHARE = 0.1
_EVAL_SHARE_OF_REST = 0.1
# From here on the rule no longer depends on the number of images.
LARGE = _TEST_SHARES[-1][0]


class Shares(NamedTuple):
    """What is drawn from the examples of the training files, between 0 and 1 each."""

    test: float
    eval_of_rest: float
    """Of what the test leaves."""

    @property
    def wanted(self) -> dict[str, float]:
        """The share of each split, which add up to 1."""
        evaluated = (1 - self.test) * self.eval_of_rest
        return {TRAIN: 1 - self.test - evaluated, EVAL: evaluated, TEST: self.test}


def split_named(name: str) -> str | None:
    """The split that one of its usual names means, in capitals or not; None for any other name."""
    return _USUAL_NAMES.get(name.strip().lower())


def split_of_file(name: str, splits: Splits) -> str | None:
    """The split whose pattern takes a file, or None for a file that no split takes.

    Args:
      name: below the source or its span, with `/` between its parts.
      splits: the experiment's `data.splits`.

    Raises:
      DataError: two patterns take it.
    """
    patterns = {split: pattern for split, pattern in splits.patterns.items() if fnmatch.fnmatchcase(name, pattern)}
    if len(patterns) > 1:
        raise DataError(
            f"{name} belongs to the splits {' and '.join(patterns)} at once;"
            " change the patterns in data.splits so that each file is taken by one"
        )
    return next(iter(patterns), TRAIN if splits.train is None else None)


def shares_of(splits: Splits, given: frozenset[str], num_images: int | None) -> Shares:
    """What to draw from the training files.

    Args:
      splits: the experiment's `data.splits`.
      given: the splits that the data itself gives, by directories or a column.
      num_images: how many there are to draw from; exact below `LARGE`. None where they come in spans, or
        the rule does not ask.

    Raises:
      DataError: nothing would be left to train on, or a share is stated of a split that the data gives.
    """
    for split, share in ((EVAL, splits.eval), (TEST, splits.test)):
        if isinstance(share, float) and split in given:
            raise DataError(
                f"data.splits.{split} is {share:g}, but the data gives the split {split} itself, by its directories or"
                f" a column; leave data.splits.{split} out to keep that"
            )
    test = evaluated = 0.0
    if isinstance(splits.test, float):
        test = splits.test
    elif splits.test == "auto" and TEST not in given:
        test = _SPANS_TEST_SHARE if num_images is None else _test_share(num_images)
    if isinstance(splits.eval, float):
        # Stated as a share of all.
        evaluated = splits.eval / (1 - test)
    elif splits.eval == "auto" and EVAL not in given:
        evaluated = _EVAL_SHARE_OF_REST
    if evaluated >= 1:
        raise DataError(
            f"eval takes {splits.eval:g} and the test {test:g} of the examples, which leaves none for training;"
            " lower data.splits.eval, or state a share for data.splits.test"
        )
    return Shares(test, evaluated)


def _test_share(num_images: int) -> float:
    return next((share for limit, share in _TEST_SHARES if num_images < limit), _LARGE_TEST_SHARE)


def split_of_content(sha256: bytes, shares: Shares) -> str:
    """The split of an example from a training file: the same bytes fall in the same split, always.

    Args:
      sha256: digest of the image's bytes, 32 bytes.
      shares: as `shares_of` gives them.
    """
    if place_for_test(sha256) < shares.test:
        return TEST
    return EVAL if place_for_eval(sha256) < shares.eval_of_rest else TRAIN


def place_for_test(sha256: bytes) -> float:
    """Where an image stands, from 0 to 1, among those to draw the test from: the first are taken."""
    return int.from_bytes(sha256[8:16], "big") / 2**64


def place_for_eval(sha256: bytes) -> float:
    """Where an image stands, from 0 to 1, among those to draw the eval split from; independent of the test."""
    return int.from_bytes(sha256[:8], "big") / 2**64
