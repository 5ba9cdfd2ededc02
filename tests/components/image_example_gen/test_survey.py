from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from components.errors import DataError
from components.image_example_gen import counting
from components.image_example_gen.items import Refused
from components.image_example_gen.reading import read_unit
from components.image_example_gen.source import open_as_it_is
from components.image_example_gen.splitting import UNASSIGNED, Shares
from components.image_example_gen.survey import Survey, shares_to_draw, survey
from schemas.data import Data
from tests.components.images import write_tfrecord
from tests.places import touch


def found(source: Path | str, **keys: object) -> Survey:
    data = Data.model_validate({"source": str(source), **keys})
    return survey(data, str(source))


def drawn(source: Path | str, **keys: object) -> Shares:
    data = Data.model_validate({"source": str(source), **keys})
    return shares_to_draw(survey(data, str(source)), data)


def records(path: Path, count: int, compression: str = "") -> Path:
    return write_tfrecord(path, [b"x"] * count, compression)


def test_tfrecord_files_are_units(tmp_path: Path) -> None:
    """Each file that a split takes is a unit; shares are drawn from the training files; others are left alone."""
    for name in ("train-0", "train-1", "val-0", "README"):
        records(tmp_path / name, 1)
    survey_ = found(tmp_path, splits={"train": "train-*", "eval": "val-*"})
    assert [(unit.number, unit.split, unit.file and unit.file.name) for unit in survey_.units] == [
        (0, UNASSIGNED, "train-0"),
        (1, UNASSIGNED, "train-1"),
        (2, "eval", "val-0"),
    ]
    assert (survey_.labels, survey_.span, survey_.version) == ([], None, None)


@pytest.mark.parametrize("data_format", ["tfrecord", "image_folder"])
def test_patterns_that_take_nothing(data_format: str, tmp_path: Path) -> None:
    """Where no split takes a file, the error shows a name for the patterns to match."""
    touch(tmp_path, "rose/a", "rose/b")
    if data_format == "tfrecord":
        with pytest.raises(DataError, match=rf"^no file in {tmp_path} is taken by data\.splits; .* such as rose/a"):
            found(tmp_path, splits={"train": "x*"})
        return
    with pytest.raises(DataError, match=rf"^no file in {tmp_path} "):
        found(tmp_path, format=data_format, splits={"train": "x*"})


@pytest.mark.parametrize(("count", "test"), [(999, 0.2), (1_000, 0.1), (9_999, 0.1), (10_000, 0.05)])
def test_records_are_counted_for_the_rule(count: int, test: float, tmp_path: Path) -> None:
    """The records of all training files, compressed or not, decide the test's share; those of other splits do not."""
    records(tmp_path / "a", count - 500)
    records(tmp_path / "b", 500, "GZIP")
    records(tmp_path / "val", 20_000)
    assert drawn(tmp_path, splits={"eval": "val"}) == Shares(test, 0)


def test_no_more_is_counted_than_matters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once 10,000 records were counted, no further file is opened, so that a large source is not read twice.

    Where the share is stated nothing is counted at all.
    """
    for name in "abc":
        records(tmp_path / name, 6_000)
    opened: list[str] = []

    def watched(path: str) -> Any:
        opened.append(Path(path).name)
        return open_as_it_is(path)

    monkeypatch.setattr(counting, "open_as_it_is", watched)
    assert drawn(tmp_path) == Shares(0.05, 0.1)
    assert opened == ["a", "b"]
    assert drawn(tmp_path, splits={"test": 0.2}) == Shares(0.2, 0.1)
    assert opened == ["a", "b"]


def test_images_are_counted_for_the_rule(tmp_path: Path) -> None:
    """Of image files those to draw from count; directories of splits that are given are not drawn."""
    touch(tmp_path, *(f"rose/{index}" for index in range(999)))
    assert drawn(tmp_path, format="image_folder") == Shares(0.2, 0.1)
    touch(tmp_path, "rose/one more")
    assert drawn(tmp_path, format="image_folder") == Shares(0.1, 0.1)
    (tmp_path / "train").mkdir()
    (tmp_path / "rose").rename(tmp_path / "train" / "rose")
    touch(tmp_path, "test/rose/a")
    assert drawn(tmp_path, format="image_folder") == Shares(0, 0.1)
    assert drawn(tmp_path, format="image_folder", splits={"train": "train/*"}) == Shares(0.1, 0.1)


def test_spans_are_told_and_keep_their_share(tmp_path: Path) -> None:
    """The newest span and version are known, and the test's share does not follow a span's size."""
    records(tmp_path / "7" / "v2" / "a", 3)
    records(tmp_path / "6" / "v5" / "a", 1_000)
    survey_ = found(f"{tmp_path}/{{SPAN}}/v{{VERSION}}/*")
    assert (survey_.span, survey_.version, len(survey_.units)) == (7, 2, 1)
    assert drawn(f"{tmp_path}/{{SPAN}}/v{{VERSION}}/*") == Shares(0.1, 0.1)
    both = found(f"{tmp_path}/{{SPAN}}/v{{VERSION}}/*", spans={"window": 2})
    assert (both.span, both.version, len(both.units)) == (7, 2, 2)
    assert drawn(f"{tmp_path}/{{SPAN}}/v{{VERSION}}/*", spans={"window": 2}) == Shares(0.1, 0.1)


def test_image_files_are_gathered_into_units(tmp_path: Path) -> None:
    """A thousand image files make a unit; the names of the classes hold for all of them."""
    touch(tmp_path, *(f"{name}/{index}" for name in ("rose", "aster") for index in range(501)))
    survey_ = found(tmp_path, format="image_folder")
    assert [len(unit.entries) for unit in survey_.units] == [1000, 2]
    assert survey_.labels == ["aster", "rose"]


def test_a_manifest_is_surveyed(tmp_path: Path) -> None:
    """The rows of a manifest become units like image files; what it has no rows for is drawn from training."""
    touch(tmp_path, "a", "b")
    (tmp_path / "m.csv").write_text("path,label,split\na,rose,train\nb,aster,test\nc,aster,\n")
    survey_ = found(tmp_path / "m.csv", format="manifest")
    (unit,) = survey_.units
    assert [(entry.source, entry.reason or entry.split) for entry in unit.entries] == [
        ("a", UNASSIGNED),
        ("b", "test"),
        ("c", "missing_image"),
    ]
    assert (survey_.labels, survey_.given, survey_.is_mixed) == (["aster", "rose"], frozenset({"train", "test"}), False)
    assert drawn(tmp_path / "m.csv", format="manifest") == Shares(0, 0.1)


def test_the_fingerprint_follows_what_is_read(tmp_path: Path) -> None:
    """It changes with any image that is read, also one that a manifest names, and with nothing else."""
    (tmp_path / "m.csv").write_text("path,label\na,rose\na,rose\nb,rose\n")
    touch(tmp_path, "a", "b", "unnamed")

    def current() -> str:
        return found(tmp_path / "m.csv", format="manifest").fingerprint

    seen = [current()]
    touch(tmp_path, "unnamed too")
    (tmp_path / "unnamed").write_text("changed")
    assert current() == seen[0]
    (tmp_path / "b").write_text("longer")
    seen.append(current())
    os.utime(tmp_path / "a", (1000, 1000))
    seen.append(current())
    (tmp_path / "m.csv").write_text("path,label\na,lily\na,rose\nb,rose\n")
    os.utime(tmp_path / "m.csv", (1000, 1000))
    seen.append(current())
    assert len(set(seen)) == len(seen)


@pytest.mark.parametrize("data_format", ["tfrecord", "image_folder"])
def test_the_fingerprint_of_a_directory(data_format: str, tmp_path: Path) -> None:
    """It stays while the files stay, and changes when one is changed, added or renamed."""
    records(tmp_path / "rose" / "a", 1)

    def current() -> str:
        return found(tmp_path, format=data_format).fingerprint

    seen = [current()]
    assert current() == seen[0]
    os.utime(tmp_path / "rose" / "a", (1000, 1000))
    seen.append(current())
    records(tmp_path / "rose" / "b", 1)
    seen.append(current())
    (tmp_path / "rose" / "b").rename(tmp_path / "rose" / "c")
    seen.append(current())
    assert len(set(seen)) == len(seen)


def test_a_pipe_among_the_shards_hangs_nothing(tmp_path: Path) -> None:
    """It is refused where a file was expected, and not waited for."""
    os.mkfifo(tmp_path / "pipe.tfrecord")
    [unit] = found(tmp_path).units
    [refused] = read_unit(unit, Data(source=str(tmp_path)))
    assert isinstance(refused, Refused)
    assert (refused.source, refused.reason) == ("pipe.tfrecord", "unreadable")


def test_rows_without_a_split_are_drawn_and_the_others_kept(tmp_path: Path) -> None:
    """Where some rows name a split and others none, no row stated as train is drawn for another."""
    touch(tmp_path, "a", "b", "c")
    (tmp_path / "m.csv").write_text("path,label,split\na,rose,train\nb,aster,test\nc,aster,\n")
    survey_ = found(tmp_path / "m.csv", format="manifest")
    assert survey_.is_mixed
    assert [entry.split for unit in survey_.units for entry in unit.entries] == ["train", "test", UNASSIGNED]
