from __future__ import annotations

import html
from html.parser import HTMLParser
from pathlib import Path

import pytest

from pipeline.report.content import (
    Block,
    Cell,
    Folded,
    Gallery,
    Matrix,
    Picture,
    Pictures,
    Section,
    Table,
    Text,
    Values,
)
from pipeline.report.page import Link, Page, publish, render
from pipeline.report.plots import draw_bars
from tests.pipeline.report.materials import HOSTILE

PIXEL = "data:image/png;base64,iVBORw0KGgo="


class Parsed(HTMLParser):
    """The elements and the texts of a page."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(content)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def a_page(text: str) -> str:
    picture = Picture(PIXEL, text, (text,))
    blocks: list[Block] = [
        Text(text, "warning", text),
        Values([(text, text)]),
        Table((text, "n"), [[text, Cell(text, "good", share=0.5, link=text)]], text),
        Matrix([text, "b"], [[3, 1], [0, 0]], text),
        Pictures([picture], text),
        Gallery([text], [(text, [picture])], text),
        Folded(text, text),
        draw_bars(text, text, [text], {"train": [1]}),
    ]
    keys = [(text, text)]
    return render(Page(text, text, text, "good", keys, [Section(text, blocks)], text, Link("index.html", text)))


@pytest.mark.parametrize("text", HOSTILE)
def test_every_text_is_escaped(text: str) -> None:
    """Wherever a label may come to stand, in any block, it is a text and no markup."""
    parsed, usual = Parsed(a_page(text)), Parsed(a_page("r" * len(text)))
    assert [tag for tag, _ in parsed.tags] == [tag for tag, _ in usual.tags]
    assert [set(attributes) for _, attributes in parsed.tags] == [set(attributes) for _, attributes in usual.tags]
    assert sum(text in found for found in parsed.texts) >= 15


def test_the_page_needs_nothing_else() -> None:
    """No script, nothing to fetch, and a policy that would not let it."""
    parsed = Parsed(a_page("rose"))
    tags = [tag for tag, _ in parsed.tags]
    assert not {"script", "iframe", "object"} & set(tags)
    assert [attributes["src"] for tag, attributes in parsed.tags if tag == "img"] == [PIXEL] * 2
    assert [attributes["href"] for tag, attributes in parsed.tags if tag == "link"] == ["data:,"]
    [policy] = [attributes for tag, attributes in parsed.tags if "http-equiv" in attributes]
    assert policy["content"] == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def test_pictures_and_drawings_are_told_in_words() -> None:
    """Every image has an alternative, every drawing a title and a description."""
    parsed = Parsed(a_page("rose"))
    assert all(attributes["alt"] == "rose" for tag, attributes in parsed.tags if tag == "img")
    [drawing] = [attributes for tag, attributes in parsed.tags if tag == "svg"]
    names = {attributes["id"] for tag, attributes in parsed.tags if tag in ("title", "desc") and "id" in attributes}
    assert set(str(drawing["aria-labelledby"]).split()) == names


def test_shares_of_a_matrix() -> None:
    """A count is shaded by its share of its row; a class that does not occur has no share."""
    matrix = Matrix(["a", "b"], [[3, 1], [0, 0]], "")
    assert (matrix.share(0, 0), matrix.share(0, 1), matrix.share(1, 0)) == (0.75, 0.25, 0.0)
    assert "--share: 0.750" in render(Page("", "", "", "plain", [], [Section("s", [matrix])], ""))


def test_a_page_appears_whole(tmp_path: Path) -> None:
    """An older one is replaced, nothing else is left, and half a character in a file's name does no harm."""
    path = tmp_path / "reports" / "index.html"
    for content in ("old", f"{html.escape('<new>')} \udcff"):
        publish(content, path)
    assert path.read_text(encoding="utf-8") == "&lt;new&gt; ?"
    assert list(path.parent.iterdir()) == [path]
