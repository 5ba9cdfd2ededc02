from __future__ import annotations

import pytest

from components.pusher.naming import ROLLED_BACK, version_of


@pytest.mark.parametrize(
    ("name", "version"),
    [("0", 0), ("7", 7), ("1795413314", 1795413314), (str(2**63 - 1), 2**63 - 1)],
)
def test_numbers_are_versions(name: str, version: int) -> None:
    """Whatever a model server reads as a number of 63 bits is a version."""
    assert version_of(name) == version
    assert version_of(f"{ROLLED_BACK}{name}", ROLLED_BACK) == version


@pytest.mark.parametrize(
    "name", ["", "-5", "+5", "1.5", "v2", "007", " 7", "7 ", "7\n", "٣", str(2**63), "1" * 30, f"{ROLLED_BACK}7"]
)
def test_other_names_are_none(name: str) -> None:
    """Signs, leading zeros, digits of other scripts, and numbers that are too large are foreign."""
    assert version_of(name) is None
    assert version_of(name, ".staging-") is None
