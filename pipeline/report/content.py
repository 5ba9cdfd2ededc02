"""What a report is made of, apart from how it looks. Loads no TensorFlow.

All texts are plain: the template escapes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from markupsafe import Markup

Tone = Literal["plain", "muted", "good", "warning", "problem"]


@dataclass(frozen=True)
class Cell:
    """A table's cell that is more than its text."""

    text: str
    tone: Tone = "plain"
    share: float | None = None
    """From 0 to 1: a bar behind the text."""
    link: str | None = None
    """A file beside the report."""


Row = Sequence[Cell | str]


@dataclass(frozen=True)
class Text:
    """Lines, below a title where there is one."""

    text: str
    tone: Tone = "plain"
    title: str | None = None
    kind: ClassVar[str] = "text"


@dataclass(frozen=True)
class Values:
    """Names with their values."""

    pairs: Sequence[tuple[str, str]]
    kind: ClassVar[str] = "values"


@dataclass(frozen=True)
class Table:
    """Rows under named columns."""

    columns: Sequence[str]
    rows: Sequence[Row]
    caption: str
    num_texts: int = 1
    """So many of the first columns are texts; those after them are figures, aligned to the right."""
    kind: ClassVar[str] = "table"


@dataclass(frozen=True)
class Matrix:
    """Counts by true (rows) and predicted class (columns)."""

    labels: Sequence[str]
    counts: Sequence[Sequence[int]]
    caption: str
    kind: ClassVar[str] = "matrix"

    def share(self, row: int, column: int) -> float:
        """How much of its row a count is."""
        total = sum(self.counts[row])
        return self.counts[row][column] / total if total else 0.0


@dataclass(frozen=True)
class Figure:
    """A drawing, and what it shows in words."""

    svg: Markup
    """The content of the element `svg`."""
    width: float
    height: float
    title: str
    description: str
    kind: ClassVar[str] = "figure"


@dataclass(frozen=True)
class Picture:
    """An image of the data."""

    uri: str
    """With the image itself in it (`data:`)."""
    alternative: str
    caption: Sequence[str] = ()
    is_small: bool = False
    """Whether its pixels are to be seen one by one."""


@dataclass(frozen=True)
class Pictures:
    """Images side by side."""

    pictures: Sequence[Picture]
    caption: str
    kind: ClassVar[str] = "pictures"


@dataclass(frozen=True)
class Gallery:
    """Images in rows: what became of each of several."""

    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[Picture]]]
    caption: str
    kind: ClassVar[str] = "gallery"


@dataclass(frozen=True)
class Folded:
    """A long text that a reader opens."""

    title: str
    text: str
    kind: ClassVar[str] = "folded"


Block = Text | Values | Table | Matrix | Figure | Pictures | Gallery | Folded


@dataclass(frozen=True)
class Section:
    """A part of the report under a heading."""

    title: str
    blocks: Sequence[Block]

    @property
    def anchor(self) -> str:
        """What a link to it names."""
        return self.title.lower().replace(" ", "-")
