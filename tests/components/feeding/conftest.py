"""A split on disk for all tests of feeds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from components.feeding.source import Source


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    """48 examples in three files, in classes of 24, 16 and 8; tests only read them."""
    from tests.components.feeding.split import write_split

    return write_split(tmp_path_factory.mktemp("split"))
