"""From contents to one HTML file that needs nothing beside it. Loads no TensorFlow."""

from __future__ import annotations

import functools
import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from components.durability import make_directories, sync
from pipeline.report.content import Block, Section, Tone

_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Link:
    """To a file beside the page."""

    target: str
    text: str


@dataclass(frozen=True)
class Page:
    """A report's head and its sections."""

    title: str
    """Of the window."""
    subject: str
    """What the page is about, above the headline."""
    headline: str
    tone: Tone
    keys: Sequence[tuple[str, str]]
    """The few figures to see first."""
    sections: Sequence[Section]
    footer: str
    link: Link | None = None


def render(page: Page) -> str:
    """The page as HTML."""
    style = Markup((_TEMPLATES / "style.css").read_text(encoding="utf-8"))
    return _environment().get_template("page.html").render(page=page, style=style)


def publish(content: str, path: Path) -> None:
    """Writes a file whole or not at all, also when power fails."""
    make_directories(path.parent)
    growing = path.with_name(f".{path.name}.{os.getpid()}")
    # Names of files and labels may hold halves of characters, which UTF-8 does not know.
    growing.write_text(content, encoding="utf-8", errors="replace")
    sync(growing)
    os.replace(growing, path)
    sync(path.parent)


@functools.cache
def _environment() -> Environment:
    """Compiles each template once in a process."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["runs"] = _runs
    return environment


def _runs(blocks: Sequence[Block]) -> list[tuple[str, list[Block]]]:
    """Blocks of the same kind that follow each other, together: figures stand side by side."""
    return [(kind, list(run)) for kind, run in groupby(blocks, key=lambda block: block.kind)]
