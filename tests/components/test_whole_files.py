from __future__ import annotations

from pathlib import Path

import pytest

from components.whole_files import write_whole


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    """The new text is there alone, and nothing lies beside it."""
    for text in ("a long text", "näh"):
        write_whole(tmp_path / "file", text)
        assert (tmp_path / "file").read_text(encoding="utf-8") == text
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_failed_attempt_leaves_the_old_text(tmp_path: Path) -> None:
    """Whatever keeps the new text from being written."""
    write_whole(tmp_path / "file", "old")
    with pytest.raises(UnicodeEncodeError):
        write_whole(tmp_path / "file", "new \ud800")
    assert (tmp_path / "file").read_text() == "old"
