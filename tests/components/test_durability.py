"""Tests of what goes to the disk; that it outlives a loss of power is tested in tests/pipeline/faults/test_power.py."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from components.durability import make_directories, sync, sync_tree


def test_directories_are_made_with_all_above_them(tmp_path: Path) -> None:
    """As far as they are missing; one that is there is left as it is."""
    make_directories(tmp_path / "a" / "b" / "c")
    (tmp_path / "a" / "b" / "c" / "file").touch()
    make_directories(tmp_path / "a" / "b" / "c")
    assert os.listdir(tmp_path / "a" / "b" / "c") == ["file"]


def test_a_file_in_the_way_of_a_directory_is_an_error(tmp_path: Path) -> None:
    """With its name."""
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError, match="file"):
        make_directories(tmp_path / "file")


def test_what_is_not_there_cannot_be_synced(tmp_path: Path) -> None:
    """Nobody is told that it is on the disk."""
    for brings in (sync, sync_tree):
        with pytest.raises(FileNotFoundError, match="missing"):
            brings(tmp_path / "missing")


def test_links_and_pipes_below_a_directory_are_passed_over(tmp_path: Path) -> None:
    """A link may lead nowhere, or round in a circle, and a pipe would be waited for."""
    (tmp_path / "directory").mkdir()
    (tmp_path / "directory" / "circle").symlink_to(tmp_path)
    (tmp_path / "nowhere").symlink_to(tmp_path / "missing")
    os.mkfifo(tmp_path / "pipe")
    sync_tree(tmp_path)
