"""Which split an example belongs to."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence

from schemas.experiment import Splits

TRAIN, EVAL, TEST = SPLITS = ("train", "eval", "test")


def split_of_file(relative_path: str, splits: Splits) -> str | None:
    """The split whose pattern takes a file, or None for a file that no split takes.

    Args:
      relative_path: below the source, with `/` between its parts.
      splits: the experiment's `data.splits`.
    """
    for name, pattern in ((EVAL, splits.eval), (TEST, splits.test)):
        if isinstance(pattern, str) and fnmatch.fnmatchcase(relative_path, pattern):
            return name
    return TRAIN if splits.train is None or fnmatch.fnmatchcase(relative_path, splits.train) else None


def split_of_content(sha256: bytes, splits: Splits) -> str:
    """The split of an example from a training file: the same bytes fall in the same split, always.

    Args:
      sha256: digest of the image's bytes, 32 bytes.
      splits: the experiment's `data.splits`; its numbers are shares.
    """
    place = int.from_bytes(sha256[:8], "big") / 2**64
    edge = 0.0
    for name, share in ((EVAL, splits.eval), (TEST, splits.test)):
        if isinstance(share, float):
            edge += share
            if place < edge:
                return name
    return TRAIN


def overlapping(relative_path: str, splits: Splits) -> Sequence[str]:
    """Names of the splits whose patterns take a file; more than one is a leak."""
    patterns = ((TRAIN, splits.train), (EVAL, splits.eval), (TEST, splits.test))
    return [
        name for name, pattern in patterns if isinstance(pattern, str) and fnmatch.fnmatchcase(relative_path, pattern)
    ]
