from __future__ import annotations

import os
from pathlib import Path

import pytest

from components.errors import DataError
from components.image_example_gen.source import OutsideOf, SourceFile, files_at, fingerprint, is_no_file, list_files
from schemas.data import Data
from tests.places import touch
from tests.rights import closed


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


def test_images_may_have_any_name_but_a_hidden_one(tmp_path: Path) -> None:
    """Cameras write `_DSC01.jpg`: for images only a name that starts with a dot does not count."""
    touch(tmp_path, "rose/_DSC01.jpg", "_buds/a", "rose/.b", ".git/c", "_list.csv")
    assert names(tmp_path, "image_folder") == ["_buds/a", "_list.csv", "rose/_DSC01.jpg"]
    assert names(tmp_path / "_list.csv", "manifest") == ["_list.csv"]


def test_a_manifest_is_one_file(tmp_path: Path) -> None:
    """Of a manifest's directory only the manifest itself is listed, not one of the same name further below."""
    touch(tmp_path, "labels.csv", "labels.csv.bak", "old/labels.csv", "a.jpg")
    assert names(tmp_path / "labels.csv", "manifest") == ["labels.csv"]


@pytest.mark.parametrize("data_format", ["tfrecord", "image_folder", "manifest"])
def test_a_source_without_files_is_refused(data_format: str, tmp_path: Path) -> None:
    """Where there is no file, or only hidden ones, the error says where it looked and what to check."""
    touch(tmp_path, "hidden/.file", *(["hidden/_x/file"] if data_format == "tfrecord" else []))
    marks = r"'\.' or '_'" if data_format == "tfrecord" else r"'\.'"
    for missing in (tmp_path / "missing", tmp_path / "hidden"):
        with pytest.raises(DataError, match=rf"^no file in {missing}; check data\.source, .* start with {marks}$"):
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


def test_links_are_listed(tmp_path: Path) -> None:
    """What is behind a link to a directory outside, and a link that leads nowhere, is seen, to be read or refused.

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
    assert names(source, "image_folder") == names(source) == seen
    listed = {file.relative_path: file.num_bytes for file in files_of(source)}
    assert (listed["tulip/b"], listed["rose/gone"]) == (len("outside/b"), 0)


@pytest.mark.parametrize("data_format", ["tfrecord", "image_folder"])
def test_a_directory_that_is_closed_is_an_error(data_format: str, tmp_path: Path) -> None:
    """What a directory holds is never passed over for want of rights; the error says how to mend it."""
    touch(tmp_path, "a/b", "c/d")
    with closed(tmp_path / "a", tmp_path), pytest.raises(DataError) as caught:
        files_of(tmp_path, data_format)
    assert str(caught.value) == (f"{tmp_path / 'a'} cannot be listed: Permission denied; give this user the right to")


def test_a_file_that_is_closed_is_listed(tmp_path: Path) -> None:
    """A file without the right to read it, or behind a closed directory, is there, so that it can be refused."""
    touch(tmp_path, "source/a", "source/b", "closed/c")
    (tmp_path / "source" / "link").symlink_to(tmp_path / "closed" / "c")
    with closed(tmp_path / "source" / "a", tmp_path):
        assert [(file.name, file.num_bytes) for file in files_of(tmp_path / "source")] == [
            ("a", 8), ("b", 8), ("link", 8),
        ]  # fmt: skip
    with closed(tmp_path / "closed", tmp_path):
        assert [(file.name, file.num_bytes) for file in files_of(tmp_path / "source")] == [
            ("a", 8), ("b", 8), ("link", 0),
        ]  # fmt: skip


def test_nothing_around_a_manifest_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A manifest may lie in a home directory, which is not walked for it."""
    touch(tmp_path, "list.csv", "a/b")
    for name in ("scandir", "listdir"):
        monkeypatch.setattr(os, name, lambda *arguments: pytest.fail("a directory was listed"))
    assert names(tmp_path / "list.csv", "manifest") == ["list.csv"]


def test_files_at_paths(tmp_path: Path) -> None:
    """Of some paths those that are files are found, through links too; directories and what is missing are not."""
    touch(tmp_path, "a", "real/b")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    asked = {f"{tmp_path}/{name}" for name in ("a", "link/b", "real", "gone", "c", "a/d")}
    files = files_at(asked, str(tmp_path))
    assert {file.relative_path: file.num_bytes for file in files.values()} == {"a": 1, "link/b": 6}
    assert all(path == file.path for path, file in files.items())


def test_a_pipe_and_a_link_to_nothing_are_no_files(tmp_path: Path) -> None:
    """Neither can be read; a missing path is for whoever opens it to complain of."""
    touch(tmp_path, "a")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    (tmp_path / "good").symlink_to(tmp_path / "a")
    assert [is_no_file(f"{tmp_path}/{name}") for name in ("pipe", "gone", "", "a", "good", "missing")] == [
        True, True, True, False, False, False,
    ]  # fmt: skip


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


def test_a_star_after_a_folder_of_classes(tmp_path: Path) -> None:
    """`span-{SPAN}/*` means the directories of a span's classes as much as its files."""
    touch(tmp_path, "span-1/rose/a.png", "span-2/rose/b.png")
    for ending in ("", "/", "/*"):
        source = f"{tmp_path}/span-{{SPAN}}{ending}"
        data = Data(source=source, format="image_folder")
        assert [file.name for file in list_files(data, source)] == ["rose/b.png"]
