from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pytest

from components.errors import DataError
from components.image_example_gen import manifest as manifest_module
from components.image_example_gen.image_folder import Labeled
from components.image_example_gen.manifest import read_manifests
from components.image_example_gen.manifest_rows import Row
from components.image_example_gen.source import SourceFile, list_files
from components.image_example_gen.splitting import UNASSIGNED
from schemas.data import Data
from tests.components.manifests import read_manifest, rows_of, write_images
from tests.rights import closed

HEAD = "path,label,split\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_images(tmp_path / "data")


def read(root: Path, content: str | bytes, name: str = "labels.csv", **keys: object) -> Labeled:
    return read_manifest(content, root / name, **keys)


def test_a_manifest_names_images_and_classes(root: Path) -> None:
    """Each row is an example; classes are numbered in the order of their names."""
    labeled = read(root, "path,label\nimages/a.jpg,rose\nimages/b.jpg,aster\n./images/../images/c.jpg,rose\n")
    assert labeled.labels == ["aster", "rose"]
    assert labeled.given == frozenset()
    assert [(entry.path, entry.row, entry.num_bytes, entry.label, entry.text) for entry in labeled.entries] == [
        (f"{root}/images/a.jpg", 0, 3, 1, "rose"),
        (f"{root}/images/b.jpg", 1, 3, 0, "aster"),
        (f"{root}/images/c.jpg", 2, 3, 1, "rose"),
    ]
    assert {(entry.split, entry.reason) for entry in labeled.entries} == {(UNASSIGNED, None)}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("m.csv", "label,path,note\nrose,images/a.jpg,x\n,,\n\ntulip,images/b.jpg,\n"),
        ("m.txt", "path,label\nimages/a.jpg,rose\n,\nimages/b.jpg,tulip"),
        ("m.csv", "\ufeffpath, label \r\nimages/a.jpg,rose\r\n,\r\n images/b.jpg , tulip \r\n"),
        ("m.tsv", "path\tlabel\nimages/a.jpg\trose\n\t\nimages/b.jpg\ttulip\n"),
        ("M.TSV", "path\tlabel\nimages/a.jpg\trose\n\t\nimages/b.jpg\ttulip\n"),
        ("m.csv", 'path,label\n"images/a.jpg","rose"\n"",""\nimages/b.jpg,"tulip"\n'),
        ("m.jsonl", '{"path": "images/a.jpg", "label": "rose"}\n{}\n\n{"label": "tulip", "path": "images/b.jpg"}'),
        ("m.ndjson", '\ufeff{"path": "images/a.jpg", "label": "rose"}\r\n{"path": null}\r\n{"path": "images/b.jpg",'
         ' "label": "tulip", "x": [1]}'),
    ],
)  # fmt: skip
@pytest.mark.parametrize("is_compressed", [False, True])
def test_all_formats_say_the_same(name: str, content: str, is_compressed: bool, root: Path) -> None:
    """CSV, TSV and JSON Lines, with or without BOM, quotes, further columns and gzip, are read alike."""
    stored = gzip.compress(content.encode()) if is_compressed else content.encode()
    labeled = read(root, stored, f"{name}.gz" if is_compressed else name)
    assert [(reason, entry.row) for entry, (_, reason) in zip(labeled.entries, rows_of(labeled), strict=True)] == [
        (0, 0),
        ("missing_image", 1),
        (1, 2),
    ]
    assert labeled.labels == ["rose", "tulip"]


def test_names_of_any_kind(root: Path) -> None:
    """Quoted commas, quotes and newlines, other scripts, and in JSON bytes that are not UTF-8, are parts of names."""
    names = ["a, b.jpg", 'a "b".jpg', "two\nlines.jpg", "Größe 日本.jpg", "#?*[x].jpg", os.fsdecode(b"caf\xe9.jpg")]
    for name in names:
        (root / name).write_text(name, errors="surrogateescape")
    quoted = ['"{}"'.format(name.replace('"', '""')) for name in names[:-1]]
    assert rows_of(read(root, "path,label\n" + "".join(f'{name},"a,b"\n' for name in quoted))) == [
        (name, 0) for name in names[:-1]
    ]
    lines = "\n".join(json.dumps({"path": name, "label": "Größe"}) for name in names)
    assert rows_of(read(root, lines, "m.jsonl")) == [(name, 0) for name in names]


def test_columns_of_other_names(root: Path) -> None:
    """`data.columns` says what the columns are called, in CSV and JSON Lines."""
    columns = {"path": "file name", "label": "Class", "split": "set"}
    labeled = read(root, "Class,file name,set\nrose,images/a.jpg,test\n", columns=columns)
    assert [(entry.split, entry.text) for entry in labeled.entries] == [("test", "rose")]
    line = '{"file name": "images/a.jpg", "Class": "rose", "set": "val", "path": "x", "label": "y", "split": "z"}'
    assert [(entry.split, entry.text) for entry in read(root, line, "m.jsonl", columns=columns).entries] == [
        ("eval", "rose")
    ]


def test_images_elsewhere(root: Path) -> None:
    """`data.images` is where paths start at, instead of the manifest's directory; what lies beside it is outside."""
    images = str(root / "images")
    assert rows_of(read(root, f"path,label\na.jpg,x\n../labels.csv,x\n{root}/images/b.jpg,x\n", images=images)) == [
        ("a.jpg", 0),
        ("../labels.csv", "outside_of_source"),
        (f"{root}/images/b.jpg", 0),
    ]


def test_labels_that_are_numbers(root: Path) -> None:
    """Where all labels are whole numbers they are indexes of classes without names, also between quotes."""
    labeled = read(root, "path,label\nimages/a.jpg,2\nimages/b.jpg,010\nimages/c.jpg,0\n")
    assert (rows_of(labeled), labeled.labels) == (
        [("images/a.jpg", 2), ("images/b.jpg", 10), ("images/c.jpg", 0)],
        [],
    )
    lines = '{"path": "images/a.jpg", "label": 1}\n{"path": "images/b.jpg", "label": "3"}'
    assert rows_of(read(root, lines, "m.jsonl")) == [("images/a.jpg", 1), ("images/b.jpg", 3)]
    labeled = read(root, "path,label\nimages/a.jpg,2\nimages/b.jpg,rose\n")
    assert (rows_of(labeled), labeled.labels) == ([("images/a.jpg", 0), ("images/b.jpg", 1)], ["2", "rose"])


def test_a_number_beyond_all_classes(root: Path) -> None:
    """Without data.labels each number up to the largest costs memory: what is above 1,048,575 is refused."""
    labels = ["1048575", "1048576", "99999999", "9" * 5000, "0" * 30 + "7"]
    rows = [f"images/{name}.jpg,{label}\n" for name, label in zip("abcde", labels, strict=True)]
    labeled = read(root, "path,label\n" + "".join(rows))
    assert [reason for _, reason in rows_of(labeled)] == [1048575, *["label_out_of_range"] * 3, 7]
    assert labeled.entries[1].detail == (
        "class 1048576 is above 1048575; list the classes in data.labels if that is meant"
    )
    assert rows_of(read(root, "path,label\nimages/a.jpg,1048576\n", labels=["1048576", "2"])) == [("images/a.jpg", 0)]


def test_declared_labels(root: Path) -> None:
    """With data.labels a label is a name of these, or else an index of these; any other is refused."""
    text = "path,label\nimages/a.jpg,tulip\nimages/b.jpg,0\nimages/c.jpg,2\nimages/d.jpg,3\nimages/e.jpg,weed\n"
    labeled = read(root, text, labels=["tulip", "rose", "lily"])
    assert [entry.reason or (entry.label, entry.text) for entry in labeled.entries] == [
        (0, "tulip"),
        (0, "tulip"),
        (2, "lily"),
        "unknown_label",
        "unknown_label",
    ]
    assert [entry.detail for entry in labeled.entries[3:]] == [
        "'3' is not in data.labels",
        "'weed' is not in data.labels",
    ]
    labeled = read(root, "path,label\nimages/a.jpg,1\nimages/b.jpg,0\n", labels=["1", "0"])
    assert rows_of(labeled) == [("images/a.jpg", 0), ("images/b.jpg", 1)]


def test_a_column_gives_the_splits(root: Path) -> None:
    """All usual names of splits are understood, in capitals or not; a row without one is drawn from training."""
    names = ["Train", " VAL ", "validation", "dev", "TEST", "", "fold-1"]
    text = HEAD + "".join(f"images/a.jpg,x,{name}\n" for name in names)
    labeled = read(root, text)
    assert [entry.reason or entry.split or "drawn" for entry in labeled.entries] == [
        "train",
        "eval",
        "eval",
        "eval",
        "test",
        "drawn",
        "unknown_split",
    ]
    assert labeled.given == {"train", "eval", "test"}
    assert labeled.entries[-1].detail == "'fold-1' is none of train, eval and test, nor another usual name of one"
    assert read(root, f"{HEAD}images/a.jpg,x,\nimages/b.jpg,x,test\n").given == {"test"}


def test_patterns_give_the_splits(root: Path) -> None:
    """Patterns of data.splits see a row's path; a split in the row goes before, and what none takes is left out."""
    text = f"{HEAD}images/a.jpg,x,\nimages/b.jpg,x,\nimages/c.jpg,x,train\nother.jpg,x,\n"
    labeled = read(root, text, splits={"train": "images/a*", "test": "images/*[bc]*"})
    assert [(entry.source, entry.split) for entry in labeled.entries] == [
        ("images/a.jpg", "train"),
        ("images/b.jpg", "test"),
        ("images/c.jpg", "train"),
    ]
    assert labeled.given == {"train", "test"}


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ("file,label", "has no column path; it has file, label; name the columns in data.columns"),
        ("Path;Label", "has no column path and label; it has Path;Label; "),
        ("", "has no column path and label; it has nothing; "),
    ],
)
def test_a_missing_column(columns: str, message: str, root: Path) -> None:
    """A manifest without the columns is refused as a whole, with those that it has and how to name them."""
    with pytest.raises(DataError) as caught:
        read(root, f"{columns}\nimages/a.jpg,x\n" if columns else "")
    assert str(caught.value).startswith(f"the manifest {root}/labels.csv {message}")
    assert "columns: {path: filename, label: class}" in str(caught.value)


@pytest.mark.parametrize(("name", "content"), [("m.csv", "path,label\n"), ("m.jsonl", "\n\n")])
def test_a_manifest_without_rows(name: str, content: str, root: Path) -> None:
    """A manifest that names no image is refused."""
    with pytest.raises(DataError, match=rf"^{root}/{name} names no image; give it a row for each"):
        read(root, content, name)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("path,label\ncaf\xe9.jpg,x\n".encode("latin-1"), "is not UTF-8 .*; save it as UTF-8"),
        ("path,label\na.jpg,x\n".encode("utf-16"), "is not UTF-8 .*; save it as UTF-8"),
        (gzip.compress(b"path,label\na.jpg,x\n")[:-9], "cannot be read: Compressed file ended before"),
        (gzip.compress(b"path,label\na.jpg,x\n")[:10] + b"\xff" * 30, "cannot be read: Error -3 while decompressing"),
        (gzip.compress(b"path,label\na.jpg,x\n") + b"junk", "cannot be read: Not a gzipped file"),
    ],
    ids=["latin-1", "utf-16", "cut off", "damaged", "junk"],
)
def test_a_manifest_that_cannot_be_read(content: bytes, message: str, root: Path) -> None:
    """Another encoding and a damaged gzip file are refused as a whole: no row is lost without a word."""
    with pytest.raises(DataError, match=rf"^the manifest {root}/labels\.csv {message}"):
        read(root, content)


def test_images_behind_links(root: Path) -> None:
    """A row may name its image through a link within the images, or by a hidden name."""
    (root / "link").symlink_to(root / "images")
    (root / "images" / "_g.jpg").write_text("g")
    (root / "images" / ".h.jpg").write_text("h")
    labeled = read(root, "path,label\nlink/a.jpg,x\nlink/z.jpg,x\nimages/_g.jpg,x\nimages/.h.jpg,x\n")
    assert [(entry.source, entry.reason, entry.num_bytes) for entry in labeled.entries] == [
        ("link/a.jpg", None, 3),
        ("link/z.jpg", "missing_image", 0),
        ("images/_g.jpg", None, 1),
        ("images/.h.jpg", None, 1),
    ]


def test_only_what_is_named_is_looked_at(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A manifest may lie in a home directory, of which nothing is listed; what is closed in it does no harm."""
    for name in ("scandir", "listdir"):
        monkeypatch.setattr(os, name, lambda *arguments: pytest.fail("a directory was listed"))
    assert rows_of(read(root, "path,label\nimages/a.jpg,x\n")) == [("images/a.jpg", 0)]


def test_an_image_in_a_closed_directory_is_not_missing(root: Path) -> None:
    """It is there for all that is known: whoever opens it says why it cannot be read."""
    with closed(root / "images", root.parent):
        (entry,) = read(root, "path,label\nimages/a.jpg,x\n").entries
    assert (entry.path, entry.reason) == (f"{root}/images/a.jpg", None)


def test_a_manifest_in_the_root_directory() -> None:
    """Its images lie below `/`, which no path leaves."""
    manifest = SourceFile("/list.csv", "list.csv", "list.csv", 0, 0.0)
    data = Data.model_validate({"source": "/list.csv", "format": "manifest"})
    rows = [Row(0, __file__, "x", ""), Row(1, "../missing.jpg", "x", "")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_module, "read_rows", lambda file, columns: iter(rows))
        labeled, _ = read_manifests([manifest], data)
    assert rows_of(labeled) == [(__file__, 0), ("../missing.jpg", "missing_image")]


def test_manifests_of_spans(tmp_path: Path) -> None:
    """Each span's manifest names the images of its own directory, and the classes are those of all spans."""
    for span, label in ((1, "rose"), (2, "aster")):
        (tmp_path / str(span)).mkdir()
        (tmp_path / str(span) / "a.jpg").write_text("a")
        (tmp_path / str(span) / "labels.csv").write_text(f"path,label\na.jpg,{label}\n../1/a.jpg,rose\n")
    source = f"{tmp_path}/{{SPAN}}/labels.csv"
    data = Data.model_validate({"source": source, "format": "manifest", "spans": {"window": 2}})
    labeled, images = read_manifests(list_files(data, source), data)
    assert labeled.labels == ["aster", "rose"]
    assert [(entry.path, entry.reason or entry.label) for entry in labeled.entries] == [
        (f"{tmp_path}/1/a.jpg", 1),
        (f"{tmp_path}/1/a.jpg", 1),
        (f"{tmp_path}/2/a.jpg", 0),
        (None, "outside_of_source"),
    ]
    assert {file.path for file in images} == {f"{tmp_path}/1/a.jpg", f"{tmp_path}/2/a.jpg"}
