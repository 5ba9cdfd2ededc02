from __future__ import annotations

import os
from pathlib import Path

import pytest

from components.errors import DataError
from components.image_example_gen.source import OutsideOf, SourceFile, fingerprint, list_directory, list_files
from schemas.data import Data


def touch(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())


def files_of(root: Path | str, data_format: str = "tfrecord") -> list[SourceFile]:
    return list_files(Data.model_validate({"source": str(root), "format": data_format}), str(root))


def names(root: Path | str, data_format: str = "tfrecord") -> list[str]:
    return [file.relative_path for file in files_of(root, data_format)]


def test_files_are_found_at_any_depth_and_in_order(tmp_path: Path) -> None:
    """All files below the source are listed by name, with path, size and time of change."""
    touch(tmp_path, "b", "a/z", "a/b/c", "a.x")
    files = files_of(tmp_path)
    assert [file.relative_path for file in files] == ["a.x", "a/b/c", "a/z", "b"]
    for file in files:
        assert file.path == str(tmp_path / file.relative_path)
        assert file.name == file.relative_path
        assert (file.num_bytes, file.span, file.version) == (len(file.relative_path), None, None)
        assert file.modified == pytest.approx(os.stat(file.path).st_mtime)


def test_hidden_files_do_not_count(tmp_path: Path) -> None:
    """Files and directories whose names start with . or _ are passed over, at any depth."""
    touch(tmp_path, "a", ".hidden", "_SUCCESS", ".git/b", "c/_tmp/d", "c/.e", "c/f_g.h")
    assert names(tmp_path) == ["a", "c/f_g.h"]


def test_a_manifest_is_one_file(tmp_path: Path) -> None:
    """Of a manifest's directory only the manifest itself is listed, not one of the same name further below."""
    touch(tmp_path, "labels.csv", "labels.csv.bak", "old/labels.csv", "a.jpg")
    assert names(tmp_path / "labels.csv", "manifest") == ["labels.csv"]


@pytest.mark.parametrize("data_format", ["tfrecord", "image_folder", "manifest"])
def test_a_source_without_files_is_refused(data_format: str, tmp_path: Path) -> None:
    """Where there is no file, or only hidden ones, the error says where it looked and what to check."""
    touch(tmp_path, "hidden/.file", "hidden/_x/file")
    for missing in (tmp_path / "missing", tmp_path / "hidden"):
        with pytest.raises(DataError, match=rf"^no file in {missing}; check data\.source, .* start with '\.' or '_'"):
            files_of(missing, data_format)


@pytest.mark.parametrize("name", ["cats [2020]", "what?", "a*", "[!b]"])
def test_a_directory_may_have_any_name(name: str, tmp_path: Path) -> None:
    """Signs that mean something in a pattern mean nothing in the source's own name."""
    touch(tmp_path, f"{name}/file", "what!/other", "abc/other", "c/other")
    assert names(tmp_path / name) == ["file"]
    assert names(f"{tmp_path / name}/") == ["file"]


def test_a_file_may_have_any_name(tmp_path: Path) -> None:
    """A name that is not UTF-8 is listed and goes into the fingerprint."""
    (tmp_path / os.fsdecode(b"caf\xe9")).write_bytes(b"1")
    files = files_of(tmp_path)
    assert [os.fsencode(file.relative_path) for file in files] == [b"caf\xe9"]
    assert len(fingerprint(files)) == 64


def test_the_fingerprint_follows_the_files(tmp_path: Path) -> None:
    """It stays while nothing changes, and changes with a file's size, time or name, or a further file."""
    touch(tmp_path, "a", "b")
    os.utime(tmp_path / "a", (1000, 1000))
    seen = [fingerprint(files_of(tmp_path))]
    assert fingerprint(files_of(tmp_path)) == seen[0]
    (tmp_path / "a").write_bytes(b"longer")
    os.utime(tmp_path / "a", (1000, 1000))
    seen.append(fingerprint(files_of(tmp_path)))
    os.utime(tmp_path / "a", (1000, 1001))
    seen.append(fingerprint(files_of(tmp_path)))
    (tmp_path / "b").rename(tmp_path / "c")
    seen.append(fingerprint(files_of(tmp_path)))
    touch(tmp_path, "d")
    seen.append(fingerprint(files_of(tmp_path)))
    assert len(set(seen)) == len(seen)


def test_links_of_an_image_folder_are_listed(tmp_path: Path) -> None:
    """Files behind a link to a directory outside, and links that lead nowhere, are seen, so that they can be refused.

    A link to a directory inside of the source is not followed: its files are there under their own names.
    """
    touch(tmp_path, "source/rose/a", "outside/b", "outside/c/d")
    source = tmp_path / "source"
    (source / "tulip").symlink_to(tmp_path / "outside")
    (source / "rose" / "gone").symlink_to(tmp_path / "nowhere")
    (source / "inside").symlink_to(source / "rose")
    (source / "all").symlink_to(source)
    (source / "up").symlink_to(tmp_path)
    seen = ["rose/a", "rose/gone", "tulip/b", "tulip/c/d", "up/outside/b", "up/outside/c/d"]
    assert names(source, "image_folder") == seen
    assert names(source) == ["rose/a"]


def test_leaving_a_directory(tmp_path: Path) -> None:
    """A path leaves by `..`, by a link, or to a directory whose name starts alike; of remote ones none does."""
    touch(tmp_path, "in/a", "inner/a")
    (tmp_path / "in" / "link").symlink_to(tmp_path / "inner")
    (tmp_path / "alias").symlink_to(tmp_path / "in")
    for root in (tmp_path / "in", tmp_path / "alias"):
        outside = OutsideOf(str(root))
        assert not outside.is_left_by(f"{tmp_path}/in/a")
        assert not outside.is_left_by(f"{tmp_path}/alias/a")
        assert outside.is_left_by(f"{root}/../inner/a")
        assert outside.is_left_by(f"{root}/link/a")
        assert outside.is_left_by(f"{tmp_path}/inner/a")
    assert not OutsideOf("gs://bucket/x").is_left_by("gs://other/y")


def test_a_directory_is_listed_whole(tmp_path: Path) -> None:
    """Where a manifest may name any file, hidden ones are listed too."""
    touch(tmp_path, "a", "_b", ".c/d")
    assert sorted(file.relative_path for file in list_directory(str(tmp_path))) == [".c/d", "_b", "a"]
