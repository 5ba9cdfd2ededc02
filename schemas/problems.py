"""What is wrong with an experiment, and where it stands."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Place:
    """Where something is stated: a line of a file, or an override on the command line."""

    source: str
    """As shown to the user: a file's path, or the whole of `--set K=V`."""
    directory: Path
    """What relative paths stated here start at."""
    line: int | None = None
    """Counted from 1; None for a file as a whole and for an override."""

    def __str__(self) -> str:
        return self.source if self.line is None else f"{self.source}:{self.line}"


@dataclass(frozen=True)
class Problem:
    """One thing to mend."""

    message: str
    """What came, what was expected, and how to mend it, on one line."""
    path: str = ""
    """Dotted path of the key in the experiment; empty where the whole file is meant."""
    place: Place | None = None
    details: tuple[str, ...] = ()
    """Further lines: the known names, what the key means."""

    def __str__(self) -> str:
        head = ": ".join(str(part) for part in (self.place, self.path, self.message) if part)
        return "\n    ".join((head, *self.details))


class ExperimentError(Exception):
    """An experiment that cannot be used, with everything that is wrong with it."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(tuple(problems))
        self.problems: tuple[Problem, ...] = tuple(problems)

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


def shown_path(path: Path) -> str:
    """The path as a reader best finds it: relative where it lies below the current directory."""
    absolute = path.absolute()
    return str(absolute.relative_to(Path.cwd())) if absolute.is_relative_to(Path.cwd()) else str(absolute)


def dotted(path: Iterable[str | int]) -> str:
    """The path of keys and list positions as one text: `model.filters[1]`."""
    text = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)
    return text.removeprefix(".")


def nearest(word: object, known: Iterable[object]) -> str | None:
    """The known name that the word most likely stands for, or None when no one is near."""
    names = {str(name).lower(): str(name) for name in known}
    matches = difflib.get_close_matches(str(word).lower(), names, n=1)
    return names[matches[0]] if matches else None


def suggestion(word: object, known: Iterable[object]) -> str:
    """`; did you mean 'name'?` for the nearest known name, or nothing."""
    near = nearest(word, known)
    return "" if near is None else f"; did you mean {near!r}?"
