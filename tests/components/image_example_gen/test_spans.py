from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from components.errors import DataError
from components.image_example_gen.source import list_files, newest_span
from components.image_example_gen.spans import Directories, find, fixed_directory, has_placeholders, newest
from schemas.data import Data
from tests.places import touch
from tests.rights import closed


def taken(root: Path, pattern: str, window: int = 1, **keys: object) -> list[str]:
    """Names of what is read, relative to what the spans have in common."""
    source = f"{root}/{pattern}"
    data = Data.model_validate({"source": source, "spans": {"window": window}, **keys})
    return [file.relative_path for file in list_files(data, source)]


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("/d/span-{SPAN}/*", "/d/span-7/a", ("a", 7, 0)),
        ("/d/span-{SPAN}/*", "/d/span-7/x/a", None),
        ("/d/span-{SPAN}/**", "/d/span-7/x/a", ("x/a", 7, 0)),
        ("/d/span-{SPAN}", "/d/span-12/x/a", ("x/a", 12, 0)),
        ("/d/span-{SPAN}/", "/d/span-12/a", ("a", 12, 0)),
        ("/d/span-{SPAN}/v{VERSION}/*", "/d/span-7/v03/a", ("a", 7, 3)),
        ("/d/span-{SPAN}/v{VERSION}/*", "/d/span-7/w03/a", None),
        ("/d/{SPAN:3}/*", "/d/007/a", ("a", 7, 0)),
        ("/d/{SPAN:3}/*", "/d/7/a", None),
        ("/d/{SPAN:3}/*", "/d/0007/a", None),
        ("/d/{SPAN:2}{VERSION:2}/*", "/d/0712/a", ("a", 7, 12)),
        ("/d/{SPAN}/v-{SPAN}/*", "/d/7/v-7/a", ("a", 7, 0)),
        ("/d/{SPAN}/v-{SPAN}/*", "/d/7/v-8/a", None),
        ("/d/{SPAN}/part-?.x", "/d/7/part-1.x", ("part-1.x", 7, 0)),
        ("/d/{SPAN}/part-?.x", "/d/7/part-10.x", None),
        ("/d/{SPAN}/part-?.x", "/d/7/part-1Qx", None),
        ("/d/train-{SPAN}-*", "/d/train-7-of-9", ("train-7-of-9", 7, 0)),
        ("/d (1)+/{SPAN}/*", "/d (1)+/7/a", ("a", 7, 0)),
        ("/d/{SPAN}/**", "/d/7/two\nlines", ("two\nlines", 7, 0)),
        ("/d/{SPAN}", "/d/7/two\nlines", ("two\nlines", 7, 0)),
    ],
)
def test_a_path_says_its_span(pattern: str, path: str, expected: tuple[str, int, int] | None) -> None:
    """The span, the version and the name below the span follow from the path; other paths belong to none."""
    found = [(file.name, file.span, file.version) for file in find(pattern, [path], is_file=False)]
    assert found == ([expected] if expected else [])


@pytest.mark.parametrize(
    ("day", "is_one"), [("2024/02/29", True), ("1970/01/01", True), ("2023/02/29", False), ("2024/2/9", False)]
)
def test_a_date_is_a_span(day: str, is_one: bool) -> None:
    """The span of a date is the number of days since 1970, as TFX counts; a day that is none is no span."""
    found = find("/d/{YYYY}/{MM}/{DD}/*", [f"/d/{day}/a"], is_file=False)
    days = [(datetime.date.fromisoformat(day.replace("/", "-")) - datetime.date(1970, 1, 1)).days] if is_one else []
    assert [file.span for file in found] == days


def test_a_manifest_of_each_span() -> None:
    """The name of a manifest is its own, whether the span stands in its directory or in itself."""
    for pattern, path, name in (
        ("/d/{SPAN}/labels.csv", "/d/7/labels.csv", "labels.csv"),
        ("/d/labels-{SPAN}.csv", "/d/labels-7.csv", "labels-7.csv"),
    ):
        (found,) = find(pattern, [path, "/d/7/labels.csv.old", "/d/7/other.csv"], is_file=True)
        assert (found.name, found.span) == (name, 7)


@pytest.mark.parametrize(
    ("source", "directory"),
    [("/d/span-{SPAN}/*", "/d"), ("/d/e/{YYYY}/{MM}/{DD}", "/d/e"), ("/{SPAN}", "/"), ("/d/e/", "/d/e"), ("/", "/")],
)
def test_what_spans_have_in_common(source: str, directory: str) -> None:
    """Files are looked for below the last directory that all spans share."""
    assert fixed_directory(source) == directory
    assert has_placeholders(source) == ("{" in source)


def test_the_newest_spans_in_their_newest_version() -> None:
    """A version that was replaced is never read, nor a span before the window; numbers count, not their digits."""
    paths = ["/d/9/v1/a", "/d/10/v9/a", "/d/10/v10/a", "/d/10/v10/b", "/d/11/v1/a", "/d/11/v0/a"]
    found = find("/d/{SPAN}/v{VERSION}/*", paths, is_file=False)
    assert [file.path for file in newest(found, 1)] == ["/d/11/v1/a"]
    assert [file.path for file in newest(found, 2)] == ["/d/10/v10/a", "/d/10/v10/b", "/d/11/v1/a"]
    assert {file.span for file in newest(found, 99)} == {9, 10, 11}


def test_a_window_of_spans(tmp_path: Path) -> None:
    """`data.spans.window` says how many of the newest spans are read; what is in no span is not."""
    touch(tmp_path, "span-1/v1/a", "span-2/v1/a", "span-2/v2/b", "span-10/v1/c", "span-x/v1/d", "README")
    assert taken(tmp_path, "span-{SPAN}/v{VERSION}/*") == ["span-10/v1/c"]
    assert taken(tmp_path, "span-{SPAN}/v{VERSION}/*", 2) == ["span-10/v1/c", "span-2/v2/b"]
    assert taken(tmp_path, "span-{SPAN}/v{VERSION}", 9) == ["span-1/v1/a", "span-10/v1/c", "span-2/v2/b"]


def test_the_newest_span_is_told(tmp_path: Path) -> None:
    """The newest span and its version are known; without placeholders there are none."""
    touch(tmp_path, "1/v7/a", "2/v3/a")
    source = f"{tmp_path}/{{SPAN}}/v{{VERSION}}/*"
    data = Data.model_validate({"source": source, "spans": {"window": 2}})
    assert newest_span(list_files(data, source)) == (2, 3)
    assert newest_span(list_files(data, str(tmp_path))) == (None, None)


def test_names_start_below_the_span(tmp_path: Path) -> None:
    """Patterns of splits and directories of classes see the same names in every span."""
    touch(tmp_path, "1/train/a", "2/train/a", "2/test/b")
    source = f"{tmp_path}/{{SPAN}}/**"
    data = Data.model_validate({"source": source, "spans": {"window": 2}})
    assert [(file.relative_path, file.name) for file in list_files(data, source)] == [
        ("1/train/a", "train/a"),
        ("2/test/b", "test/b"),
        ("2/train/a", "train/a"),
    ]


def test_a_span_of_hidden_files_is_none(tmp_path: Path) -> None:
    """Files whose names start with . or _ do not count: a span that holds no others is not the newest."""
    touch(tmp_path, "1/a", "1/_SUCCESS", "1/.b/c", "2/_SUCCESS", "3/.cache/a")
    assert taken(tmp_path, "{SPAN}") == ["1/a"]


@pytest.mark.parametrize("pattern", ["span-{SPAN}/*", "{YYYY}-{MM}-{DD}/*", "missing/{SPAN}/*"])
def test_a_pattern_that_matches_nothing(pattern: str, tmp_path: Path) -> None:
    """The error names the pattern and shows one that would match."""
    touch(tmp_path, "span-one/a", "2024-13-01/a", "_x/1/a")
    with pytest.raises(DataError) as caught:
        taken(tmp_path, pattern)
    assert str(caught.value).startswith(f"no file matches {tmp_path}/{pattern}; ")
    assert "/data/span-{SPAN}/v{VERSION}/*" in str(caught.value)


def test_a_span_may_be_a_link(tmp_path: Path) -> None:
    """A span's directory may lie elsewhere, below the others or not; links within it are followed as in any source."""
    touch(tmp_path, "data/1/a", "data/archive/x/b", "data/archive/x/deep/c", "elsewhere/d")
    data = tmp_path / "data"
    (data / "2").symlink_to(data / "archive" / "x")
    (data / "3").symlink_to(tmp_path / "elsewhere")
    (data / "archive" / "x" / "again").symlink_to(data / "archive" / "x" / "deep")
    for data_format in ("tfrecord", "image_folder"):
        assert taken(data, "{SPAN}", 9, format=data_format) == ["1/a", "2/b", "2/deep/c", "3/d"]
    assert taken(data, "{SPAN}/*", 9) == ["1/a", "2/b", "3/d"]


def test_what_one_span_takes_from_another(tmp_path: Path) -> None:
    """A link from a span into an earlier one, which may not be read any more, is followed."""
    touch(tmp_path, "1/rose/a", "2/tulip/b")
    (tmp_path / "2" / "rose").symlink_to(tmp_path / "1" / "rose")
    assert taken(tmp_path, "{SPAN}", format="image_folder") == ["2/rose/a", "2/tulip/b"]


def test_only_spans_are_looked_into(tmp_path: Path) -> None:
    """A directory beside the spans does no harm if it is closed, nor does one below a manifest's; a span's does."""
    touch(tmp_path, "1/labels.csv", "1/images/a", "other/b")
    with closed(tmp_path / "other", tmp_path):
        assert taken(tmp_path, "{SPAN}") == ["1/images/a", "1/labels.csv"]
    with closed(tmp_path / "1" / "images", tmp_path):
        assert taken(tmp_path, "{SPAN}/labels.csv", format="manifest") == ["1/labels.csv"]
        with pytest.raises(DataError, match=r"/1/images cannot be listed: Permission denied; give this user"):
            taken(tmp_path, "{SPAN}")


@pytest.mark.parametrize(
    ("source", "yes", "no"),
    [
        ("/d/{SPAN}", ["/d/7", "/d/7/x", "/d/7/x/y"], ["/d/x", "/d/x/7"]),
        ("/d/s-{SPAN}/v{VERSION}/*", ["/d/s-7", "/d/s-7/v1"], ["/d/s-7/w1", "/d/s-7/v1/x", "/d/7"]),
        ("/d/{SPAN}/**", ["/d/7", "/d/7/x/y"], ["/d/x"]),
        ("/d/{SPAN}/*/part-?", ["/d/7/x"], ["/d/7/x/y", "/d/7/x/part-1"]),
        ("/d/{SPAN}/v-{SPAN}/*", ["/d/7", "/d/7/v-7"], ["/d/7/v-8"]),
        ("/d/part-{SPAN}-*", [], ["/d/7", "/d/part-7-x"]),
        ("/{SPAN}", ["/7", "/7/x"], ["/x"]),
    ],
)
def test_directories_on_the_way_to_files(source: str, yes: list[str], no: list[str]) -> None:
    """A directory counts where files that belong to a span may lie in it, or below it."""
    directories = Directories(source, is_file=False)
    assert [path for path in [*yes, *no] if directories.may_hold_files(path)] == yes


def test_the_directory_of_a_span() -> None:
    """All below a span's directory is its own; names start there, and above there are none."""
    directories = Directories("/d/{SPAN}/v{VERSION}", is_file=False)
    assert [directories.own(path) for path in ("/d/7", "/d/7/v1", "/d/7/v1/x/y")] == ["/d/7", "/d/7/v1", "/d/7/v1"]
    assert [directories.name(path) for path in ("/d/7", "/d/7/v1", "/d/7/v1/x/y")] == ["", "", "x/y"]


def test_manifests_by_span(tmp_path: Path) -> None:
    """Of a manifest per span the newest are read, and nothing else of their directories."""
    touch(tmp_path, "1/labels.csv", "2/labels.csv", "2/a.jpg", "2/labels.csv.bak", "3/other.csv")
    assert taken(tmp_path, "{SPAN}/labels.csv", format="manifest") == ["2/labels.csv"]
    assert taken(tmp_path, "{SPAN}/labels.csv", 5, format="manifest") == ["1/labels.csv", "2/labels.csv"]
