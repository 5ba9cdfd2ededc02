from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

import pytest
from matplotlib.axes import Axes

from pipeline.report.content import Figure
from pipeline.report.plots import INK, SERIES, count_along_x, draw, draw_bars, scale_by_powers
from tests.pipeline.report.materials import HOSTILE


def elements(figure: Figure) -> ElementTree.Element:
    namespaces = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return ElementTree.fromstring(f"<svg {namespaces}>{figure.svg}</svg>")


def words(figure: Figure) -> list[str]:
    return ["".join(text.itertext()) for text in elements(figure).iter("{http://www.w3.org/2000/svg}text")]


@pytest.mark.parametrize("label", [*HOSTILE, ' id="x" #000001', "url(#a)"])
def test_labels_are_text(label: str) -> None:
    """What a label says is drawn as it is: not as markup, not as a formula, not as a colour."""
    figure = draw_bars("Title", "Description", [label, "other"], {"train": [1, 2]})
    assert label[:5] in "".join(words(figure))
    assert label in words(figure) or len(label) > 18
    assert {element.tag.rpartition("}")[2] for element in elements(figure).iter()} <= {
        *("svg", "g", "path", "text", "defs", "use", "clipPath", "rect"),
    }


def test_colours_are_the_page_s() -> None:
    """Nothing has a colour of its own, so that the page's light and dark schemes hold for it."""

    def paint(axes: Axes) -> None:
        axes.plot([1, 2], [1, 2], color=SERIES[0])
        axes.text(1, 1, "ink", color=INK)

    figure = draw("Title", "Description", paint)
    colors = set(re.findall(r"(?:fill|stroke): ([^;\"]+)", figure.svg))
    assert {"var(--series-1)", "var(--muted)", "currentColor"} <= colors
    assert not [color for color in colors if color.startswith(("#", "rgb"))]


def test_figures_do_not_share_names() -> None:
    """Each definition has a name of its own on the page, and every reference leads to one."""
    figures = [draw_bars("Title", "Description", ["a", "b"], {"train": [1, 2]}) for _ in range(2)]
    names, references = ([re.findall(p, figure.svg) for figure in figures] for p in (r' id="(.+?)"', r"#([\w.-]+)"))
    assert names[0]
    assert not set(names[0]) & set(names[1])
    assert all(set(references[place]) <= set(names[place]) for place in range(2))


def test_ticks_are_plain_numbers() -> None:
    """Powers of ten are written out, and epochs are whole."""

    def paint(axes: Axes) -> None:
        axes.plot([1, 2], [0.001, 10.0])
        scale_by_powers(axes, along="y")
        count_along_x(axes)

    found = words(draw("Title", "Description", paint))
    assert {"1", "2", "0.001", "10"} <= set(found)
    assert "1.5" not in found
