from __future__ import annotations

import os
from pathlib import Path

import pytest

from components.errors import DataError
from components.image_example_gen.source import fingerprint, list_files
from schemas.experiment import Splits


def touch(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())


def names(root: Path | str, splits: Splits | None = None) -> list[tuple[str, str]]:
    return [(file.relative_path, file.split) for file in list_files(str(root), splits or Splits())]


def test_files_are_found_at_any_depth_and_in_order(tmp_path: Path) -> None:
    """All files below the source are listed by name, with path, size and time of change."""
    touch(tmp_path, "b", "a/z", "a/b/c", "a.x")
    files = list_files(str(tmp_path), Splits())
    assert [file.relative_path for file in files] == ["a.x", "a/b/c", "a/z", "b"]
    for file in files:
        assert file.path == str(tmp_path / file.relative_path)
        assert (file.num_bytes, file.split) == (len(file.relative_path), "train")
        assert file.modified == pytest.approx(os.stat(file.path).st_mtime)


def test_hidden_files_do_not_count(tmp_path: Path) -> None:
    """Files and directories whose names start with . or _ are passed over, at any depth."""
    touch(tmp_path, "a", ".hidden", "_SUCCESS", ".git/b", "c/_tmp/d", "c/.e", "c/f_g.h")
    assert names(tmp_path) == [("a", "train"), ("c/f_g.h", "train")]


def test_patterns_choose_the_files(tmp_path: Path) -> None:
    """Each file goes to the split whose pattern takes it, and a file that none takes is left out."""
    touch(tmp_path, "train-0", "val/0", "test-0", "README")
    splits = Splits(train="train-*", eval="val/*", test="test-*")
    assert names(tmp_path, splits) == [("test-0", "test"), ("train-0", "train"), ("val/0", "eval")]


def test_a_file_in_two_splits_is_refused(tmp_path: Path) -> None:
    """A file that two patterns take would leak between splits: the error names it, both, and the mend."""
    touch(tmp_path, "a-test", "b")
    with pytest.raises(DataError, match=r"^a-test belongs to the splits train and test at once; .*data\.splits"):
        list_files(str(tmp_path), Splits(train="*", test="*-test"))


@pytest.mark.parametrize("splits", [Splits(), Splits(train="train-*")], ids=["hidden", "unmatched"])
def test_a_source_without_files_is_refused(splits: Splits, tmp_path: Path) -> None:
    """Where no split takes a file, the error says where it looked and what to check."""
    touch(tmp_path, ".hidden" if splits.train is None else "other")
    with pytest.raises(DataError, match=rf"no file in {tmp_path} is taken by data\.splits; check data\.source"):
        list_files(str(tmp_path), splits)


def test_a_missing_source_is_refused(tmp_path: Path) -> None:
    """A directory that is not there is told like one without files."""
    with pytest.raises(DataError, match=r"no file in .*/missing "):
        list_files(str(tmp_path / "missing"), Splits())


@pytest.mark.parametrize("name", ["cats [2020]", "what?", "a*", "[!b]"])
def test_a_directory_may_have_any_name(name: str, tmp_path: Path) -> None:
    """Signs that mean something in a pattern mean nothing in the source's own name."""
    touch(tmp_path, f"{name}/file", "what!/other", "abc/other", "c/other")
    assert names(tmp_path / name) == [("file", "train")]
    assert names(f"{tmp_path / name}/") == [("file", "train")]


def test_a_file_may_have_any_name(tmp_path: Path) -> None:
    """A name that is not UTF-8 is listed and goes into the fingerprint."""
    (tmp_path / os.fsdecode(b"caf\xe9")).write_bytes(b"1")
    files = list_files(str(tmp_path), Splits())
    assert [os.fsencode(file.relative_path) for file in files] == [b"caf\xe9"]
    assert len(fingerprint(files)) == 64


def test_the_fingerprint_follows_the_files(tmp_path: Path) -> None:
    """It stays while nothing changes, and changes with a file's content, time, name or split, or a further file."""

    def current(splits: Splits | None = None) -> str:
        return fingerprint(list_files(str(tmp_path), splits or Splits()))

    touch(tmp_path, "a", "b")
    os.utime(tmp_path / "a", (1000, 1000))
    seen = [current()]
    assert current() == seen[0]
    (tmp_path / "a").write_bytes(b"longer")
    os.utime(tmp_path / "a", (1000, 1000))
    seen.append(current())
    os.utime(tmp_path / "a", (1000, 1001))
    seen.append(current())
    seen.append(current(Splits(test="b")))
    (tmp_path / "b").rename(tmp_path / "c")
    seen.append(current())
    touch(tmp_path, "d")
    seen.append(current())
    assert len(set(seen)) == len(seen)
