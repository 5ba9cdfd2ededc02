"""Reads YAML into values that remember where they are stated."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from schemas.problems import ExperimentError, Place, Problem, dotted, shown_path

Scalar: TypeAlias = str | int | float | bool | None

_TAG = "tag:yaml.org,2002:"

# The core schema of YAML 1.2 (chapter 10.3): `on` and `no` are texts, `1e-3` is a number.
# PyYAML by itself keeps to YAML 1.1, where it is the other way round.
_CORE_SCALARS = {
    "null": r"~|null|Null|NULL|",
    "bool": r"true|True|TRUE|false|False|FALSE",
    "int": r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+",
    "float": r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
}

_MENDS = {
    r"'\t'": "indent with spaces; YAML allows no tabs there",
    "alias": "a text that starts with * or & needs quotes, such as '*.tfrecord'",
    "mapping values are not allowed": "a text with ': ' in it needs quotes; keys of one section need one indentation",
    "cannot start any token": "a text that starts with a special character needs quotes",
    "could not find expected ':'": "every key is followed by a colon and a space",
    "expected a single document": "keep one experiment per file, without a second '---'",
    "expected <block end>": "keys of one section need the same indentation",
}


class _CoreLoader(yaml.SafeLoader):
    """A safe loader with the scalars of YAML 1.2."""


class _CoreDumper(yaml.SafeDumper):
    """A safe dumper that quotes every text that YAML 1.1 or 1.2 would read as something else."""


_CoreLoader.yaml_implicit_resolvers = {}
for _name, _pattern in _CORE_SCALARS.items():
    for _class in (_CoreLoader, _CoreDumper):
        _class.add_implicit_resolver(_TAG + _name, re.compile(f"(?:{_pattern})$"), None)
_CoreDumper.add_representer(
    list, lambda dumper, values: dumper.represent_sequence(f"{_TAG}seq", values, flow_style=True)
)


@dataclass(frozen=True)
class Stated:
    """A value, and the place that states it."""

    value: dict[str, Stated] | list[Stated] | Scalar
    place: Place

    def plain(self) -> Any:
        """The value alone, as dictionaries, lists and scalars."""
        if isinstance(self.value, dict):
            return {key: stated.plain() for key, stated in self.value.items()}
        if isinstance(self.value, list):
            return [stated.plain() for stated in self.value]
        return self.value


def merge(base: Stated, over: Stated) -> Stated:
    """Lays `over` on `base`: mappings are merged key by key, anything else replaces."""
    if not (isinstance(base.value, dict) and isinstance(over.value, dict)):
        return over
    merged = dict(base.value)
    for key, value in over.value.items():
        merged[key] = merge(merged[key], value) if key in merged else value
    return replace(over, value=merged)


def read_document(path: Path, problems: list[Problem]) -> Stated:
    """Reads a file that holds one mapping.

    What can be passed over (a key that is stated twice) is appended to `problems`.

    Raises:
        ExperimentError: if the file cannot be read, or is not UTF-8, YAML or a mapping.
    """
    place = Place(shown_path(path), path.absolute().parent)
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        message = f"cannot be read: {error.strerror}; expected an experiment, a YAML file"
        raise ExperimentError([Problem(message, place=place)]) from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        message = f"not UTF-8: the byte 0x{error.object[error.start]:02x} stands here; save the file as UTF-8"
        raise ExperimentError([Problem(message, place=replace(place, line=line))]) from error
    stated = _parse(text, place, lambda line: replace(place, line=line), problems)
    if stated is None:
        message = "empty; expected at least 'name: flowers' and 'data: {source: /data/flowers}'"
        raise ExperimentError([Problem(message, place=place)])
    if not isinstance(stated.value, dict):
        kind = "a list" if isinstance(stated.value, list) else f"only the value {stated.value!r}"
        message = f"holds {kind}; expected a mapping of keys, such as 'name: flowers'"
        raise ExperimentError([Problem(message, place=replace(place, line=1))])
    return stated


def read_value(text: str, place: Place, problems: list[Problem]) -> Stated | None:
    """Reads a value given on the command line; None where the text states none.

    What can be passed over is appended to `problems`.

    Raises:
        ExperimentError: if the text is not YAML.
    """
    return _parse(text, place, lambda line: place, problems)


def write_document(value: Mapping[str, Any]) -> str:
    """Writes a mapping as YAML that `read_document` reads back unchanged, keys in their order."""
    return yaml.dump(value, Dumper=_CoreDumper, sort_keys=False, allow_unicode=True, width=120)


def _parse(text: str, place: Place, at: Callable[[int], Place], problems: list[Problem]) -> Stated | None:
    try:
        node = yaml.compose(text, Loader=_CoreLoader)
        return None if node is None else _Construction(at, problems).value(node, (), place)
    except yaml.MarkedYAMLError as error:
        raise ExperimentError([_syntax_problem(error, at)]) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        message = f"not valid YAML: the character U+{error.character:04X} is not allowed; remove it"
        raise ExperimentError([Problem(message, place=at(line))]) from error
    except RecursionError as error:
        raise ExperimentError([Problem("not usable YAML: nested too deeply", place=place)]) from error
    except (ValueError, OverflowError) as error:
        raise ExperimentError(
            [Problem(f"not valid YAML: an escape that is no character ({error})", place=place)]
        ) from error


def _syntax_problem(error: yaml.MarkedYAMLError, at: Callable[[int], Place]) -> Problem:
    mark = error.problem_mark
    what = (error.problem or "unknown error").removeprefix("but ")
    mend = next((f"; {mend}" for sign, mend in _MENDS.items() if sign in f"{error.context} {what}"), "")
    line, column = (mark.line + 1, f" (column {mark.column + 1})") if mark else (1, "")
    start = error.context_mark
    context = (f"{error.context}, which starts on line {start.line + 1}",) if start and start.line + 1 < line else ()
    return Problem(f"not valid YAML: {what}{column}{mend}", place=at(line), details=context)


class _Construction:
    """Makes values of YAML nodes, and collects what cannot be made into one."""

    def __init__(self, at: Callable[[int], Place], problems: list[Problem]) -> None:
        self._at = at
        self._problems = problems
        self._open: set[int] = set()

    def value(self, node: yaml.Node, path: tuple[str | int, ...], place: Place) -> Stated:
        if id(node) in self._open:
            return self._refuse("an alias that refers to the very thing it stands in", path, place)
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.MappingNode) and node.tag == f"{_TAG}map":
                return Stated(self._mapping(node, path), place)
            if isinstance(node, yaml.SequenceNode) and node.tag == f"{_TAG}seq":
                items = [self.value(item, (*path, index), self._of(item)) for index, item in enumerate(node.value)]
                return Stated(items, place)
            if isinstance(node, yaml.ScalarNode) and node.tag.removeprefix(_TAG) in _CONSTRUCTORS:
                return self._scalar(node, path, place)
            return self._refuse(f"the YAML tag {node.tag!r} is not known here; remove it", path, place)
        finally:
            self._open.discard(id(node))

    def _mapping(self, node: yaml.MappingNode, path: tuple[str | int, ...]) -> dict[str, Stated]:
        values: dict[str, Stated] = {}
        for key_node, value_node in node.value:
            place = self._of(key_node)
            if not isinstance(key_node, yaml.ScalarNode):
                self._refuse("a list or a mapping stands as a key; expected a name", path, place)
                continue
            key = key_node.value
            if key in values:
                first = values[key].place.line
                where = "" if first is None or first == place.line else f" (first on line {first})"
                self._refuse(f"stated twice{where}; keep one", (*path, key), place)
                continue
            values[key] = self.value(value_node, (*path, key), place)
        return values

    def _scalar(self, node: yaml.ScalarNode, path: tuple[str | int, ...], place: Place) -> Stated:
        kind = node.tag.removeprefix(_TAG)
        try:
            return Stated(_CONSTRUCTORS[kind](node.value), place)
        except (ValueError, KeyError):
            return self._refuse(f"{node.value!r} cannot be read as the YAML type {kind!r}", path, place)

    def _of(self, node: yaml.Node) -> Place:
        return self._at(node.start_mark.line + 1)

    def _refuse(self, message: str, path: tuple[str | int, ...], place: Place) -> Stated:
        self._problems.append(Problem(message, dotted(path), place))
        return Stated(None, place)


def _text(text: str) -> str:
    text.encode()  # An escape such as "\ud800" is half a character, which no file or terminal takes.
    return text


_CONSTRUCTORS: dict[str, Callable[[str], Scalar]] = {
    "str": _text,
    "null": lambda text: None,
    "bool": lambda text: {"true": True, "false": False}[text.lower()],
    "int": lambda text: int(text) if text.lstrip("+-").isdigit() else int(text, 0),
    "float": lambda text: float(re.sub(r"\.(inf|nan)$", r"\1", text.lower())),
}
