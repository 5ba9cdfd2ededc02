"""A servable and an empty serving directory."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.pusher.local_directory import LocalDirectory
from tests.components.pusher.models import write_servable


@pytest.fixture
def servable(tmp_path: Path) -> Path:
    """A directory like a SavedModel."""
    return write_servable(tmp_path / "servable")


@pytest.fixture
def serving(tmp_path: Path) -> LocalDirectory:
    """Where versions go; not there yet."""
    return LocalDirectory(tmp_path / "models" / "serving")
