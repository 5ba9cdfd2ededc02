from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from apache_beam.io.filesystem import FileMetadata
from apache_beam.io.localfilesystem import LocalFileSystem

from components.errors import DataError
from components.image_example_gen import source
from components.image_example_gen.image_folder import Labeled
from components.image_example_gen.manifest import read_manifests
from components.image_example_gen.source import list_files
from schemas.data import Data
from tests.components.manifests import read_manifest, rows_of, write_images


class Disk(LocalFileSystem):
    """This machine's files under names with a scheme, as those of a remote file system."""

    @classmethod
    def scheme(cls) -> str:
        return "disk"

    def exists(self, path: str) -> bool:
        return bool(super().exists(path.removeprefix("disk://")))

    def open(self, path: str, *args: Any, **options: Any) -> Any:
        return super().open(path.removeprefix("disk://"), *args, **options)

    def metadata(self, path: str) -> FileMetadata:
        found = super().metadata(path.removeprefix("disk://"))
        return FileMetadata(path, found.size_in_bytes, found.last_updated_in_seconds)

    def _list(self, dir_or_prefix: str) -> Iterator[FileMetadata]:
        for found in super()._list(dir_or_prefix.removeprefix("disk://")):
            yield FileMetadata(f"disk://{found.path}", found.size_in_bytes, found.last_updated_in_seconds)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_images(tmp_path / "data")


def read(root: Path, content: str | bytes, name: str = "labels.csv", **keys: object) -> Labeled:
    return read_manifest(content, root / name, **keys)


def test_malformed_rows_of_csv(root: Path) -> None:
    """A row with too few or too many values, or wrong quotes, is refused under its number; the others count."""
    text = 'path,label\nimages/a.jpg,x\nimages/b.jpg\nimages/c.jpg,x,y\n"images/d.jpg"d,x\nimages/e.jpg,x\n'
    labeled = read(root, text)
    assert [(entry.row, entry.source, entry.reason, entry.detail) for entry in labeled.entries] == [
        (0, "images/a.jpg", None, ""),
        (1, "labels.csv", "malformed_row", "1 values, expected 2"),
        (2, "labels.csv", "malformed_row", "3 values, expected 2"),
        (3, "labels.csv", "malformed_row", "no CSV from line 5: ',' expected after '\"'"),
        (4, "images/e.jpg", None, ""),
    ]


def test_a_quote_that_is_never_closed(root: Path) -> None:
    """Every line that an open quote swallows is refused, so that the share of what is lost is right."""
    text = 'path,label\nimages/a.jpg,x\n"images/b.jpg,x\n' + "images/c.jpg,x\n" * 5
    assert [entry.reason for entry in read(root, text).entries] == [None, *["malformed_row"] * 6]


@pytest.mark.parametrize(
    ("line", "detail"),
    [
        ('{"path": "images/b.jpg",', "no JSON: "),
        ("[" * 100_000, "no JSON: "),
        ("images/b.jpg,x", "no JSON: "),
        ('["images/b.jpg", "x"]', "no JSON object; expected one such as "),
        ('{"path": 3, "label": "x"}', "path and split must be texts"),
        ('{"path": "images/b.jpg", "label": "x", "split": 1}', "path and split must be texts"),
        ('{"path": "images/b.jpg", "label": 1.0}', "label must be a text or a whole number, not 1.0"),
        ('{"path": "images/b.jpg", "label": true}', "label must be a text or a whole number, not true"),
        ('{"path": "images/b.jpg", "label": ["x"]}', 'label must be a text or a whole number, not ["x"]'),
        (r'{"path": "images/b\u0000.jpg", "label": "x"}', "a text holds NUL"),
        (r'{"path": "images/\ud800.jpg", "label": "x"}', "a text holds NUL or half of a surrogate pair"),
        (r'{"path": "images/b.jpg", "label": "\udce9"}', "a text holds NUL or half of a surrogate pair"),
    ],
)  # fmt: skip
def test_malformed_rows_of_json(line: str, detail: str, root: Path) -> None:
    """What is no object, or has values of other types, is refused under its number; the others count."""
    good = '{"path": "images/a.jpg", "label": "x"}'
    labeled = read(root, f"{good}\n\n{line}\n{good}\n", "m.jsonl")
    assert rows_of(labeled) == [("images/a.jpg", 0), ("m.jsonl", "malformed_row"), ("images/a.jpg", 0)]
    assert (labeled.entries[1].row, labeled.entries[1].path) == (1, None)
    assert labeled.entries[1].detail.startswith(detail)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("../secret.jpg", "outside_of_source"),
        ("images/../../secret.jpg", "outside_of_source"),
        ("../data/images/a.jpg", None),
        ("ROOT/images/a.jpg", None),
        ("ROOT/../secret.jpg", "outside_of_source"),
        ("ROOTsecret.jpg", "outside_of_source"),
        ("/etc/passwd", "outside_of_source"),
        ("https://example.com/a.jpg", "outside_of_source"),
        ("images/link.jpg", "outside_of_source"),
        ("elsewhere/secret.jpg", "outside_of_source"),
        ("images/inner.jpg", None),
        ("images/z.jpg", "missing_image"),
        ("images", "missing_image"),
        ("IMAGES/a.jpg", "missing_image"),
        ("", "missing_image"),
    ],
)
def test_paths_stay_inside(path: str, reason: str | None, root: Path) -> None:
    """No path, by `..`, from the root, by its beginning alone, or by a link, reaches a file outside of the images."""
    (root / "images" / "link.jpg").symlink_to(root.parent / "secret.jpg")
    (root / "images" / "inner.jpg").symlink_to(root / "images" / "a.jpg")
    (root / "elsewhere").symlink_to(root.parent)
    (root.parent / "datasecret.jpg").write_text("secret")
    (entry,) = read(root, f"path,label\n{path.replace('ROOT', str(root))},x\n").entries
    assert entry.reason == reason
    assert (entry.path is None) == (reason is not None)


def test_a_row_without_a_label(root: Path) -> None:
    """An empty label, and in JSON one that is null or absent, is refused; the image can still be looked at."""
    (entry,) = read(root, "path,label\nimages/a.jpg, \n").entries
    assert (entry.reason, entry.path) == ("missing_label", f"{root}/images/a.jpg")
    lines = '{"path": "images/a.jpg", "label": null}\n{"path": "images/b.jpg"}\n{"path": "images/c.jpg", "label": ""}'
    assert [entry.reason for entry in read(root, lines, "m.jsonl").entries] == ["missing_label"] * 3


def test_a_remote_manifest(root: Path) -> None:
    """A manifest of a remote file system names images beside it, by a part of their path or by all of it."""
    manifest = f"disk://{root}/labels.csv"
    paths = [
        "images/a.jpg",
        "./images/../images/b.jpg",
        f"disk://{root}/images/c.jpg",
        "../secret.jpg",
        "/images/a.jpg",
    ]
    (root / "labels.csv").write_text("path,label\n" + "".join(f"{path},x\n" for path in paths))
    data = Data.model_validate({"source": manifest, "format": "manifest"})
    labeled, images = read_manifests(list_files(data, manifest), data)
    assert [reason for _, reason in rows_of(labeled)] == [0, 0, 0, "outside_of_source", "outside_of_source"]
    assert [file.path for file in images] == [f"disk://{root}/images/{name}.jpg" for name in "abc"]


@pytest.mark.parametrize(("most", "listed"), [(3, []), (2, ["images"])])
def test_a_remote_manifest_costs_few_requests(
    most: int, listed: list[str], root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Few images are asked for one by one; for many, the directory that they share is listed, and no more than it."""
    monkeypatch.setattr(source, "_MAX_ASKED_FOR", most)
    seen: list[str] = []
    real = Disk._list

    def watched(disk: Disk, place: str) -> Iterator[FileMetadata]:
        seen.append(place)
        return real(disk, place)

    monkeypatch.setattr(Disk, "_list", watched)
    (root / "labels.csv").write_text("path,label\nimages/a.jpg,x\nimages/b.jpg,x\nimages/z.jpg,x\n")
    data = Data.model_validate({"source": f"disk://{root}/labels.csv", "format": "manifest"})
    labeled, _ = read_manifests(list_files(data, str(data.source)), data)
    assert [
        (reason, entry.num_bytes) for entry, (_, reason) in zip(labeled.entries, rows_of(labeled), strict=True)
    ] == [
        (0, 3),
        (0, 3),
        ("missing_image", 0),
    ]
    assert [place.removeprefix(f"disk://{root}/") for place in seen] == listed


def test_remote_names_may_hold_signs_of_patterns(root: Path) -> None:
    """`*`, `?` and `[` mean themselves in the name of a manifest and of an image."""
    names = ["a[b]*?.jpg", "a[c]xy.jpg"]
    for name in names:
        (root / name).write_text(name)
    (root / "l[a]*.csv").write_text("path,label\na[b]*?.jpg,x\na[b]xy.jpg,x\n")
    (root / "l[a]b.csv").write_text("path,label\n")
    data = Data.model_validate({"source": f"disk://{root}/l[a]*.csv", "format": "manifest"})
    labeled, _ = read_manifests(list_files(data, str(data.source)), data)
    assert rows_of(labeled) == [("a[b]*?.jpg", 0), ("a[b]xy.jpg", "missing_image")]


def test_json_with_other_keys(root: Path) -> None:
    """Where no row has the path, the manifest is refused with the keys that it has and how to name them."""
    with pytest.raises(
        DataError, match=r"has the key path; the first has file, class; name the columns in data\.columns"
    ):
        read(root, '{"file": "images/a.jpg", "class": "x"}\n', "labels.jsonl")


def test_a_json_list(root: Path) -> None:
    """A list of objects is read as lines of them are; an item that is none is refused under its number."""
    text = '[\n {"path": "images/a.jpg", "label": "x"},\n 3,\n {"path": "images/b.jpg", "label": "y"}\n]'
    entries = read(root, text, "labels.json").entries
    assert [(entry.row, entry.label, entry.reason) for entry in entries] == [
        (0, 0, None),
        (1, -1, "malformed_row"),
        (2, 1, None),
    ]


def test_a_negative_number_is_a_number(root: Path) -> None:
    """One class of -1 does not turn all the others into names; it is refused where the classes are named."""
    text = "path,label\nimages/a.jpg,10\nimages/b.jpg,-1\nimages/c.jpg,9\n"
    assert [entry.label for entry in read(root, text).entries] == [10, -1, 9]
    named = read(root, "path,label\nimages/a.jpg,1\nimages/b.jpg,-1\n", labels=("no", "yes"))
    assert [entry.reason for entry in named.entries] == [None, "unknown_label"]
