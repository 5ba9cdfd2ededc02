from __future__ import annotations

import os
from pathlib import Path

import pytest

from components.errors import DataError
from components.image_example_gen.image_folder import Labeled, read_image_folder
from components.image_example_gen.source import list_files
from components.image_example_gen.spans import fixed_directory
from components.image_example_gen.splitting import UNASSIGNED
from schemas.data import Data
from tests.places import touch


def read(source: Path | str, **keys: object) -> Labeled:
    data = Data.model_validate({"source": str(source), "format": "image_folder", **keys})
    return read_image_folder(list_files(data, str(source)), data, fixed_directory(str(source)))


def placed(labeled: Labeled) -> dict[str, tuple[str, int | str]]:
    """Split, and label or else why it is refused, by the file's name."""
    return {entry.source: (entry.split or "drawn", entry.reason or entry.label) for entry in labeled.entries}


def test_a_directory_is_a_class(tmp_path: Path) -> None:
    """Classes are numbered in the order of their names; what lies deeper belongs to the directory at the top."""
    touch(tmp_path, "tulip/a.jpg", "rose/b.jpg", "rose/wild/old/c.jpg", "Aster/d.jpg")
    labeled = read(tmp_path)
    assert labeled.labels == ["Aster", "rose", "tulip"]
    assert labeled.given == frozenset()
    assert placed(labeled) == {
        "Aster/d.jpg": ("drawn", 0),
        "rose/b.jpg": ("drawn", 1),
        "rose/wild/old/c.jpg": ("drawn", 1),
        "tulip/a.jpg": ("drawn", 2),
    }
    (aster, *_) = labeled.entries
    assert (aster.path, aster.text, aster.num_bytes, aster.row) == (str(tmp_path / "Aster/d.jpg"), "Aster", 11, 0)


def test_declared_labels_number_the_classes(tmp_path: Path) -> None:
    """With data.labels its order counts; a directory that it does not name is refused, one that is missing is none."""
    touch(tmp_path, "rose/a", "tulip/b", "weed/c")
    labeled = read(tmp_path, labels=["tulip", "lily", "rose"])
    assert labeled.labels == ["tulip", "lily", "rose"]
    assert placed(labeled) == {"rose/a": ("drawn", 2), "tulip/b": ("drawn", 0), "weed/c": ("drawn", "unknown_label")}
    assert [entry.detail for entry in labeled.entries if entry.reason] == ["the directory 'weed' is not in data.labels"]


def test_files_without_a_class(tmp_path: Path) -> None:
    """A file beside the classes is refused; what file managers and hidden directories hold is passed over."""
    touch(
        tmp_path, "rose/a", "stray.jpg", "Thumbs.db", "rose/Thumbs.db", "rose/desktop.ini", "rose/.DS_Store", ".git/x"
    )
    touch(tmp_path, "rose/_DSC01.jpg")
    assert placed(read(tmp_path)) == {
        "rose/_DSC01.jpg": ("drawn", 0),
        "rose/a": ("drawn", 0),
        "stray.jpg": ("drawn", "missing_label"),
    }


def test_a_source_without_classes_is_refused(tmp_path: Path) -> None:
    """Images that lie side by side are an error that shows how they are to lie, and the other formats."""
    touch(tmp_path, "a.jpg", "b.jpg")
    with pytest.raises(DataError, match=rf"^no file in {tmp_path} lies .* as roses/001\.jpg, or set data\.format"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("train", "evaluation", "test"),
    [("train", "val", "test"), ("Training", "validation", "TEST"), ("train", "dev", "")],
)
def test_directories_of_splits_are_seen(train: str, evaluation: str, test: str, tmp_path: Path) -> None:
    """Where all directories are called like splits, they are given, and the classes lie below them."""
    touch(tmp_path, f"{train}/rose/a", f"{train}/tulip/b", f"{evaluation}/rose/x/c", f"{evaluation}/d", "e")
    if test:
        touch(tmp_path, f"{test}/tulip/f")
    labeled = read(tmp_path)
    assert labeled.labels == ["rose", "tulip"]
    assert labeled.given == {"train", "eval", *(["test"] if test else [])}
    assert placed(labeled) == {
        f"{train}/rose/a": ("train", 0),
        f"{train}/tulip/b": ("train", 1),
        f"{evaluation}/rose/x/c": ("eval", 0),
        f"{evaluation}/d": ("eval", "missing_label"),
        "e": ("train", "missing_label"),
        **({f"{test}/tulip/f": ("test", 1)} if test else {}),
    }


@pytest.mark.parametrize("directories", [("train", "test", "rose"), ("val", "test"), ("train",)])
def test_other_directories_are_classes(directories: tuple[str, ...], tmp_path: Path) -> None:
    """A class may be called train or test: where one other is no split, or none is for training, all are classes."""
    touch(tmp_path, *(f"{name}/x/a" for name in directories))
    labeled = read(tmp_path)
    assert labeled.labels == sorted(directories)
    assert labeled.given == frozenset()
    assert {entry.split for entry in labeled.entries} == {UNASSIGNED}


def test_classes_lie_below_the_directories_of_patterns(tmp_path: Path) -> None:
    """With patterns such as `train/*` a class is the directory below; a file that no pattern takes is left out."""
    touch(tmp_path, "train/rose/a", "train/tulip/b", "held/out/rose/c", "train/stray", "other/rose/d")
    labeled = read(tmp_path, splits={"train": "train/*", "test": "held/out/*"})
    assert labeled.labels == ["rose", "tulip"]
    assert placed(labeled) == {
        "held/out/rose/c": ("test", 0),
        "train/rose/a": ("train", 0),
        "train/tulip/b": ("train", 1),
        "train/stray": ("train", "missing_label"),
    }


def test_classes_above_the_splits(tmp_path: Path) -> None:
    """With a pattern that names no directory at its start, a class is the directory at the top."""
    touch(tmp_path, "rose/train/a", "rose/test/b", "tulip/test-c", "tulip/train/d")
    labeled = read(tmp_path, splits={"test": "*/test*"})
    assert labeled.labels == ["rose", "tulip"]
    assert placed(labeled) == {
        "rose/train/a": ("train", 0),
        "rose/test/b": ("test", 0),
        "tulip/test-c": ("test", 1),
        "tulip/train/d": ("train", 1),
    }


def test_classes_lie_below_spans(tmp_path: Path) -> None:
    """In a source with spans the classes are the directories below each span."""
    touch(tmp_path, "span-1/rose/a", "span-2/rose/b", "span-2/tulip/c", "span-2/d")
    labeled = read(f"{tmp_path}/span-{{SPAN}}", spans={"window": 2})
    assert placed(labeled) == {
        "span-1/rose/a": ("drawn", 0),
        "span-2/d": ("drawn", "missing_label"),
        "span-2/rose/b": ("drawn", 0),
        "span-2/tulip/c": ("drawn", 1),
    }


def test_links_that_leave_the_source_are_refused(tmp_path: Path) -> None:
    """What a link to a file, a directory, or nothing outside holds is refused, file by file, and never read."""
    source = tmp_path / "source"
    touch(source, "rose/a", "tulip/b")
    touch(tmp_path, "outside/c", "outside/d")
    (source / "rose" / "link").symlink_to(tmp_path / "outside" / "c")
    (source / "rose" / "gone").symlink_to(tmp_path / "nowhere")
    (source / "rose" / "inside").symlink_to(source / "tulip" / "b")
    (source / "lily").symlink_to(tmp_path / "outside")
    labeled = read(source)
    assert placed(labeled) == {
        "lily/c": ("drawn", "outside_of_source"),
        "lily/d": ("drawn", "outside_of_source"),
        "rose/a": ("drawn", 1),
        "rose/gone": ("drawn", "outside_of_source"),
        "rose/inside": ("drawn", 1),
        "rose/link": ("drawn", "outside_of_source"),
        "tulip/b": ("drawn", 2),
    }
    assert {entry.path for entry in labeled.entries if entry.reason} == {None}


def test_a_source_may_be_reached_by_a_link(tmp_path: Path) -> None:
    """The source itself may be a link to where the images are."""
    touch(tmp_path, "images/rose/a", "images/tulip/b")
    (tmp_path / "alias").symlink_to(tmp_path / "images")
    assert placed(read(tmp_path / "alias")) == {"rose/a": ("drawn", 0), "tulip/b": ("drawn", 1)}


def test_names_of_any_kind(tmp_path: Path) -> None:
    """Spaces, other scripts, newlines and bytes that are not UTF-8 may stand in names of classes and files.

    A class whose name is not UTF-8 is called by its bytes' numbers, so that two such never become one.
    """
    names = [
        b"my rose/a b.jpg",
        "Größe/日本.jpg".encode(),
        b"caf\xe9/\xff.jpg",
        b"caf\xe8/a.jpg",
        b"two\nlines/a\n.jpg",
    ]
    touch(tmp_path, *(os.fsdecode(name) for name in names[:2]))
    for name in names[2:]:
        path = tmp_path / os.fsdecode(name)
        path.parent.mkdir()
        path.write_bytes(b"1")
    labeled = read(tmp_path)
    assert labeled.labels == ["Größe", "caf\\xe8", "caf\\xe9", "my rose", "two\nlines"]
    assert {os.fsencode(entry.source) for entry in labeled.entries} == set(names)
    assert all(entry.reason is None and labeled.labels[entry.label] == entry.text for entry in labeled.entries)
    assert all(entry.path is not None and Path(entry.path).is_file() for entry in labeled.entries)


def test_a_pattern_for_one_split_of_several_directories(tmp_path: Path) -> None:
    """Directories of other splits do not become classes unseen; the message says what to write."""
    touch(tmp_path, "train/rose/a", "val/rose/b", "test/rose/c")
    with pytest.raises(DataError, match=r'directories train, val .* \(train: "train/\*", eval: "val/\*"\)'):
        read(tmp_path, splits={"test": "test/*"})
    each = {"train": "train/*", "eval": "val/*", "test": "test/*"}
    assert read(tmp_path, splits=each).labels == ["rose"]
