from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from schemas import listing
from schemas.listing import cannot_be_listed, is_hidden, local_files
from tests.places import touch
from tests.rights import closed


def found(
    root: Path,
    data_format: str = "tfrecord",
    enters: Callable[[str], bool] | None = None,
    own: Callable[[str], str] | None = None,
) -> list[str]:
    return [os.path.relpath(path, root) for path in local_files(str(root), data_format, enters, own)]


@pytest.mark.parametrize(
    ("name", "tfrecord", "image_folder"),
    [
        ("a/b.c_d", False, False),
        ("_DSC01.jpg", True, False),
        ("a/_b/c", True, False),
        (".a", True, True),
        ("a/.b/c", True, True),
    ],
)
def test_what_is_hidden(name: str, tfrecord: bool, image_folder: bool) -> None:
    """A name that starts with a dot hides what it stands for; one that starts with _ does so among TFRecords alone."""
    assert is_hidden(name, "tfrecord") == tfrecord
    assert is_hidden(name, "image_folder") == is_hidden(name, "manifest") == image_folder


def test_directories_come_in_order(tmp_path: Path) -> None:
    """Files at any depth, in the order of their names; a root that is missing, or is a file, has none."""
    touch(tmp_path, "b/z", "b/c/d", "a/y", "x", "w")
    assert found(tmp_path) == ["w", "x", "a/y", "b/z", "b/c/d"]
    assert list(local_files(str(tmp_path / "missing"), "tfrecord")) == []
    assert list(local_files(str(tmp_path / "x"), "tfrecord")) == []


def test_hidden_directories_are_not_looked_into(tmp_path: Path) -> None:
    """What cannot be listed does no harm where it does not count."""
    touch(tmp_path, ".a/b", "_a/b", "c")
    assert found(tmp_path) == ["c"]
    assert found(tmp_path, "image_folder") == ["c", "_a/b"]
    with closed(tmp_path / ".a", tmp_path):
        assert found(tmp_path) == ["c"]


def test_links_to_directories_are_followed(tmp_path: Path) -> None:
    """What is behind a link is listed under the link's name, from whichever links, unless it is listed already."""
    root = tmp_path / "root"
    touch(root, "real/a", ".store/b")
    touch(tmp_path, "outside/c", "outside/d/e")
    (root / "outside").symlink_to(tmp_path / "outside")
    (root / "again").symlink_to(tmp_path / "outside" / "d")
    (root / "inside").symlink_to(root / "real")
    (root / "stored").symlink_to(root / ".store")
    (root / "nowhere").symlink_to(tmp_path / "nothing")
    assert found(root) == ["nowhere", "real/a", "again/e", "outside/c", "outside/d/e", "stored/b"]


def test_links_in_a_circle_come_to_an_end(tmp_path: Path) -> None:
    """A link to itself, to what is above it, or to one that leads back, costs no endless walk."""
    root = tmp_path / "root"
    touch(root, "a")
    touch(tmp_path, "one/b", "two/c")
    (root / "self").symlink_to(root / "self")
    (root / "root").symlink_to(root)
    (root / "up").symlink_to(tmp_path)
    (tmp_path / "one" / "two").symlink_to(tmp_path / "two")
    (tmp_path / "two" / "one").symlink_to(tmp_path / "one")
    assert found(root) == ["a", "self", "up/one/b", "up/two/c"]


def test_each_part_is_listed_whole(tmp_path: Path) -> None:
    """A directory that one part of the source has is listed for another that links to it, and once for each."""
    touch(tmp_path, "1/a", "1/b/c")
    (tmp_path / "2").symlink_to(tmp_path / "1")
    (tmp_path / "1" / "again").symlink_to(tmp_path / "1" / "b")
    part = len(tmp_path.parts) + 1
    assert found(tmp_path, own=lambda directory: "/".join(Path(directory).parts[:part])) == [
        "1/a", "1/b/c", "2/a", "2/b/c",
    ]  # fmt: skip
    assert found(tmp_path, enters=lambda directory: not directory.endswith("1")) == ["2/a", "2/b/c"]


def test_few_are_listed_outside_of_an_image_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that are only to be refused have a bound, those of the source have none, nor have TFRecords."""
    monkeypatch.setattr(listing, "_MAX_OUTSIDE", 3)
    root = tmp_path / "root"
    touch(root, *(f"real/{number}" for number in range(5)))
    touch(tmp_path, *(f"outside/{name}/{number}" for name in "ab" for number in range(2)))
    (root / "link").symlink_to(tmp_path / "outside")
    real = [f"real/{number}" for number in range(5)]
    assert found(root, "image_folder") == [*real, "link/a/0", "link/a/1", "link/b/0"]
    assert found(root) == [*real, "link/a/0", "link/a/1", "link/b/0", "link/b/1"]


def test_a_directory_that_is_closed(tmp_path: Path) -> None:
    """It is an error, not an empty directory; so it is behind a link, and for the root itself."""
    touch(tmp_path, "root/a/b", "outside/c")
    (tmp_path / "root" / "link").symlink_to(tmp_path / "outside")
    for place, name in (("root/a", "root/a"), ("outside", "root/link"), ("root", "root")):
        with closed(tmp_path / place, tmp_path), pytest.raises(PermissionError) as caught:
            found(tmp_path / "root")
        assert cannot_be_listed(caught.value, "elsewhere") == (
            f"{tmp_path / name} cannot be listed: Permission denied; give this user the right to"
        )


def test_a_directory_that_vanishes(tmp_path: Path) -> None:
    """A directory that was there when its parent was listed is no empty one."""
    touch(tmp_path, "a/b", "c")
    files = local_files(str(tmp_path), "tfrecord")
    assert next(files) == str(tmp_path / "c")
    (tmp_path / "a" / "b").unlink()
    (tmp_path / "a").rmdir()
    with pytest.raises(FileNotFoundError):
        next(files)
