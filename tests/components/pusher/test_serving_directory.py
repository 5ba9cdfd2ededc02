from __future__ import annotations

from pathlib import Path

import pytest

from components.pusher.local_directory import LocalDirectory
from components.pusher.object_directory import ObjectDirectory
from components.pusher.serving_directory import open_directory


def test_a_path_is_local(tmp_path: Path) -> None:
    """A path is a directory here, which need not be there yet."""
    serving = open_directory(str(tmp_path / "serving"))
    assert isinstance(serving, LocalDirectory)
    assert serving.location == str(tmp_path / "serving")
    assert not (tmp_path / "serving").exists()


@pytest.mark.parametrize("location", ["s3://bucket/models", "gs://bucket/models/"])
def test_a_url_is_an_object_store(location: str) -> None:
    """gs:// and s3:// are object stores; nothing is asked of them before they are used."""
    serving = open_directory(location)
    assert isinstance(serving, ObjectDirectory)
    assert serving.location == location.rstrip("/")
