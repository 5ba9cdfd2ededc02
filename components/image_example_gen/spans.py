"""Sources whose path says of which span they are, and in which version."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

_PLACEHOLDER = re.compile(r"\{(SPAN|VERSION|YYYY|MM|DD)(?::(\d+))?\}")
_WILDCARD = re.compile(r"\*\*?|\?")
_DIGITS = {"SPAN": r"\d+", "VERSION": r"\d+", "YYYY": r"\d{4}", "MM": r"\d{2}", "DD": r"\d{2}"}
_WILDCARDS = {"**": ".*", "*": "[^/]*", "?": "[^/]"}
_EPOCH = datetime.date(1970, 1, 1)


class Found(NamedTuple):
    """A file of some span."""

    path: str
    name: str
    """Below the span's own directory, with `/` between its parts; the file's own name for a manifest."""
    span: int
    version: int


def has_placeholders(source: str) -> bool:
    """Whether a source's path names spans, as in `/data/span-{SPAN}/v{VERSION}/*`."""
    return _PLACEHOLDER.search(source) is not None


def fixed_directory(source: str) -> str:
    """The part of a source's path above the first directory that differs between spans."""
    found = _PLACEHOLDER.search(source)
    return (source[: found.start()].rpartition("/")[0] or "/") if found else source.rstrip("/") or "/"


def find(source: str, paths: Iterable[str], is_file: bool) -> list[Found]:
    """Which of the paths belong to a span.

    Placeholders as in TFX (tfx/components/example_gen/utils.py): a number, `{SPAN:3}` of three digits,
    or the three parts of a date, whose span is then the number of days since 1970.

    Args:
      source: with placeholders; `*`, `?` and `**` may stand in its last parts.
      paths: of files.
      is_file: whether the source without wildcards is a file, a manifest, and not a directory.
    """
    pattern = re.compile(_expression(source, is_file), re.DOTALL)
    found = []
    for path in paths:
        match = pattern.fullmatch(path)
        span = _span(match.groupdict()) if match else None
        if match is not None and span is not None:
            parts = match.groupdict()
            found.append(Found(path, parts["name"], span, int(parts.get("VERSION") or 0)))
    return found


class Directories:
    """Tells of directories what a source with placeholders has to do with them."""

    def __init__(self, source: str, is_file: bool) -> None:
        """Takes the same as `find`."""
        self._parts = source.rstrip("/").split("/")
        self._start = _start_of_name(self._parts, is_file)
        # From here on down any directory may hold files, if there is such a place.
        without_name = self._start == len(self._parts)
        open_parts = [place for place, part in enumerate(self._parts) if "**" in part]
        self._open = open_parts[0] if open_parts else self._start if without_name else None
        named: set[str] = set()
        parts = [_part(part, named) for part in self._parts[: self._open]]
        self._patterns = [re.compile("/".join(parts[:depth]), re.DOTALL) for depth in range(len(parts) + 1)]

    def may_hold_files(self, directory: str) -> bool:
        """Whether a directory's path may be the beginning of that of a span's file."""
        parts = directory.split("/")
        if self._open is None and len(parts) >= len(self._parts):
            return False
        depth = min(len(parts), len(self._patterns) - 1)
        return self._patterns[depth].fullmatch("/".join(parts[:depth])) is not None

    def own(self, directory: str) -> str:
        """The directory of the span alone that a directory is in, or itself where it is above that."""
        return "/".join(directory.split("/")[: self._start])

    def name(self, directory: str) -> str:
        """A directory's path below that of its span; empty above."""
        return "/".join(directory.split("/")[self._start :])


def newest(found: Sequence[Found], window: int, last: int | None = None) -> list[Found]:
    """The files of the newest spans, each in its newest version.

    Args:
      found: files of any spans.
      window: how many spans.
      last: the newest span that counts; None for whichever is there.
    """
    versions: dict[int, int] = {}
    for file in found:
        if last is None or file.span <= last:
            versions[file.span] = max(file.version, versions.get(file.span, 0))
    taken = set(sorted(versions)[-window:])
    return [file for file in found if file.span in taken and file.version == versions[file.span]]


def _expression(source: str, is_file: bool) -> str:
    parts = source.rstrip("/").split("/")
    start = _start_of_name(parts, is_file)
    named: set[str] = set()
    before = "".join(_part(part, named) + "/" for part in parts[:start])
    return f"{before}(?P<name>{'/'.join(_part(part, named) for part in parts[start:]) or '.+'})"


def _start_of_name(parts: Sequence[str], is_file: bool) -> int:
    """How many parts of the path stand before the first that belongs to one span alone."""
    last = max(place for place, part in enumerate(parts) if _PLACEHOLDER.search(part))
    if not _WILDCARD.search("/".join(parts[last:])) and not is_file:
        return len(parts)
    return last if _WILDCARD.search(parts[last]) or last == len(parts) - 1 else last + 1


def _part(part: str, named: set[str]) -> str:
    """A regular expression for one part of the path; `named` are the placeholders met before."""
    expression, place = "", 0
    for token in sorted([*_PLACEHOLDER.finditer(part), *_WILDCARD.finditer(part)], key=lambda token: token.start()):
        expression += re.escape(part[place : token.start()])
        place = token.end()
        if (wildcard := _WILDCARDS.get(token.group())) is not None:
            expression += wildcard
            continue
        name, width = token.group(1), token.group(2)
        expression += (
            f"(?P={name})" if name in named else f"(?P<{name}>{rf'[0-9]{{{width}}}' if width else _DIGITS[name]})"
        )
        named.add(name)
    return expression + re.escape(part[place:])


def _span(parts: dict[str, str]) -> int | None:
    if "SPAN" in parts:
        return int(parts["SPAN"])
    try:
        day = datetime.date(int(parts["YYYY"]), int(parts["MM"]), int(parts["DD"]))
    except (KeyError, ValueError):
        return None
    return (day - _EPOCH).days
