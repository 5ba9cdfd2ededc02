from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from schemas.documents import merge, read_document, read_value, write_document
from schemas.problems import ExperimentError, Place, Problem


def read(directory: Path, text: str | bytes) -> tuple[Any, list[Problem]]:
    file = directory / "document.yaml"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    problems: list[Problem] = []
    return read_document(file, problems).plain(), problems


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1E3", 1000.0),
        ("-.5", -0.5),
        (".inf", float("inf")),
        ("3", 3),
        ("010", 10),
        ("0x1F", 31),
        ("0o17", 15),
        ("true", True),
        ("False", False),
        ("~", None),
        ("null", None),
        ("yes", "yes"),
        ("No", "No"),
        ("on", "on"),
        ("off", "off"),
        ("10_000", "10_000"),
        ("1:30", "1:30"),
        ("2024-01-01", "2024-01-01"),
        ("'1e-3'", "1e-3"),
        ("!!str 3", "3"),
        ("[1, {a: 2}]", [1, {"a": 2}]),
    ],
)
def test_scalars_are_read_as_yaml_1_2_says(text: str, value: object, tmp_path: Path) -> None:
    """A plain `no` is a text and `1e-3` a number, contrary to PyYAML's own reading."""
    read_back, problems = read(tmp_path, f"key: {text}")
    assert (read_back, problems) == ({"key": value}, [])
    assert type(read_back["key"]) is type(value)


def test_a_value_knows_its_line(tmp_path: Path) -> None:
    """Keys and items of lists carry the line that states them, also behind a byte order mark."""
    (tmp_path / "document.yaml").write_bytes(b"\xef\xbb\xbf# head\na:\n  b: 1\n  c:\n    - x\n    - y\n")
    value = read_document(tmp_path / "document.yaml", []).value
    assert isinstance(value, dict)
    section = value["a"].value
    assert isinstance(section, dict)
    items = section["c"].value
    assert isinstance(items, list)
    lines = [stated.place.line for stated in (value["a"], section["b"], section["c"], *items)]
    assert lines == [2, 3, 4, 5, 6]


def test_merging_keeps_the_place_of_each_value() -> None:
    """Mappings are merged key by key; a list, a scalar or null replaces what was there."""
    below, above = Place("below", Path()), Place("above", Path())
    base = read_value("{kept: 1, replaced: [1, 2], inner: {kept: 1, replaced: 2}, gone: {a: 1}}", below, [])
    over = read_value("{replaced: [3], inner: {replaced: 3, new: 4}, gone: null}", above, [])
    assert base is not None
    assert over is not None
    merged = merge(base, over)
    assert merged.plain() == {
        "kept": 1,
        "replaced": [3],
        "inner": {"kept": 1, "replaced": 3, "new": 4},
        "gone": None,
    }
    assert isinstance(merged.value, dict)
    inner = merged.value["inner"].value
    assert isinstance(inner, dict)
    places = {key: str(stated.place) for key, stated in inner.items()}
    assert places == {"kept": "below", "replaced": "above", "new": "above"}
    assert base.plain()["inner"] == {"kept": 1, "replaced": 2}


@pytest.mark.parametrize(
    ("text", "line", "parts"),
    [
        ("", None, ["empty", "name: flowers"]),
        ("# only a comment\n", None, ["empty"]),
        ("- a\n", 1, ["holds a list", "expected a mapping"]),
        ("flowers\n", 1, ["holds only the value 'flowers'", "expected a mapping"]),
        (b"name: x\n# caf\xe9\n", 2, ["not UTF-8", "0xe9", "save the file as UTF-8"]),
        ("name: x\nnote: a\x01b\n", 2, ["U+0001", "remove it"]),
        ("name: x\ndata:\n\tsource: y\n", 3, [r"'\t'", "(column 1)", "indent with spaces"]),
        ("name: x\nsplits: {train: *.tfrecord}\n", 2, ["(column 18)", "needs quotes"]),
        ("name: x\ndata: source: y\n", 2, ["mapping values are not allowed", "needs quotes"]),
        ("name: x\n---\nname: y\n", 2, ["not valid YAML: found another document", "without a second '---'"]),
        ("name: [x\ndata: y\n", 2, ["expected ',' or ']'", "flow sequence, which starts on line 1"]),
        ('name: "x\ndata: y\n', 3, ["unexpected end of stream", "which starts on line 1"]),
        ("name: x\ndata\ngate: y\n", 3, ["could not find expected ':'", "followed by a colon"]),
        ('name: "\\UFFFFFFFF"\n', None, ["an escape that is no character"]),
        ("name: " + "[" * 5000, None, ["nested too deeply"]),
    ],
)
def test_what_is_not_yaml_is_refused_at_its_line(
    text: str | bytes, line: int | None, parts: list[str], tmp_path: Path
) -> None:
    """A file that cannot be parsed gives one problem with the line, the reason and how to mend it."""
    with pytest.raises(ExperimentError) as caught:
        read(tmp_path, text)
    (problem,) = caught.value.problems
    assert problem.place is not None
    assert problem.place.line == line
    for part in parts:
        assert part in str(problem)


@pytest.mark.parametrize(
    ("text", "path", "line", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", "a", 3, "stated twice (first on line 1); keep one"),
        ("s:\n  a: {b: 1, b: 2}\n", "s.a.b", 2, "stated twice; keep one"),
        ("s: &here\n  a: *here\n", "s.a", 2, "an alias that refers to the very thing it stands in"),
        ("a: [1, !!python/name:os.x y]\n", "a[1]", 1, "the YAML tag 'tag:yaml.org,2002:python/name:os.x' is not known"),
        ("a: !!int x\n", "a", 1, "'x' cannot be read as the YAML type 'int'"),
        ('a: "\\ud800"\n', "a", 1, "cannot be read as the YAML type 'str'"),
        ("s:\n  ? [x]\n  : 1\n", "s", 2, "a list or a mapping stands as a key; expected a name"),
    ],
)
def test_a_flaw_does_not_end_the_reading(text: str, path: str, line: int, message: str, tmp_path: Path) -> None:
    """What the rest of the file can be read in spite of is noted, and the reading goes on."""
    value, problems = read(tmp_path, f"{text}last: 1\n")
    assert value["last"] == 1
    (problem,) = problems
    assert (problem.path, problem.place and problem.place.line) == (path, line)
    assert message in problem.message


def test_the_first_of_two_equal_keys_counts(tmp_path: Path) -> None:
    """After a key is refused as stated twice, its first value is the one that is checked further."""
    assert read(tmp_path, "a: 1\na: 2\n")[0] == {"a": 1}


def test_an_unreadable_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory, and a file that the system refuses to read, give the system's reason."""
    with pytest.raises(ExperimentError, match=r"cannot be read: Is a directory; expected an experiment, a YAML file"):
        read_document(tmp_path, [])

    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(ExperimentError, match=r"document\.yaml: cannot be read: Permission denied"):
        read_document(tmp_path / "document.yaml", [])


def test_written_documents_read_back(tmp_path: Path) -> None:
    """Texts that YAML 1.1 or 1.2 would read as something else come back as the same texts."""
    value = {
        "texts": ["1e-3", "yes", "null", "~", "0o7", "1_000", "2024-01-01", "1:30", "a: b", "# x", "", "Größe", "<<"],
        "numbers": [1e-05, 1e300, 3, -0.5],
        "nested": {"b": None, "a": True},
    }
    text = write_document(value)
    assert read(tmp_path, text) == (value, [])
    assert text.index("texts") < text.index("numbers") < text.index("b: null") < text.index("a: true")
