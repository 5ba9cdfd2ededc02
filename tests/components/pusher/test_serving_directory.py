from __future__ import annotations

from pathlib import Path

from components.pusher.local_directory import LocalDirectory
from components.pusher.serving_directory import open_directory


def test_a_path_is_local(tmp_path: Path) -> None:
    """A path is a directory here, which need not be there yet."""
    serving = open_directory(str(tmp_path / "serving"))
    assert isinstance(serving, LocalDirectory)
    assert serving.location == str(tmp_path / "serving")
    assert not (tmp_path / "serving").exists()
