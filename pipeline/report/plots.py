"""Draws figures as SVG that takes its colours from the page. Loads no TensorFlow."""

from __future__ import annotations

import io
import itertools
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from markupsafe import Markup

from pipeline.report.content import Figure
from pipeline.report.wording import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Placeholders that no plot draws by chance, and what stands for them on the page.
INK, MUTED, RULE = "#000001", "#000002", "#000003"
SERIES = ("#000011", "#000012", "#000013")
_ON_THE_PAGE = {
    INK: "currentColor",
    MUTED: "var(--muted)",
    RULE: "var(--rule)",
    **{color: f"var(--series-{index})" for index, color in enumerate(SERIES, start=1)},
}
_POINTS_PER_INCH = 72
_WIDTH = 5.0
_HEIGHT = 3.0
_ROW = 0.24
# Inches beside and below the axes, for their ticks and names.
_LEFT, _RIGHT, _TOP, _BOTTOM = 0.62, 0.15, 0.34, 0.48
_MOST_TICKS = 5
_PER_CHARACTER = 0.075
_SETTINGS = {
    "svg.fonttype": "none",
    "svg.hashsalt": "darkroom",
    # A dollar in a label is a dollar.
    "text.parse_math": False,
    "font.size": 9.5,
    "text.color": INK,
    "axes.edgecolor": RULE,
    "axes.labelcolor": MUTED,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.major.size": 3,
    "ytick.major.size": 0,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 9.5,
    "lines.linewidth": 1.6,
    "lines.markersize": 4,
}
_numbers = itertools.count(1)

Draw = Callable[["Axes"], None]


def draw(title: str, description: str, paint: Draw, height: float = _HEIGHT, left: float = _LEFT) -> Figure:
    """Draws one pair of axes.

    Args:
      title: of the figure.
      description: what it shows, for who cannot see it.
      paint: draws on the axes, in the colours `INK`, `MUTED`, `RULE` and `SERIES`.
      height: of the figure, in inches.
      left: room for the ticks' names, in inches.
    """
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure as Drawing
    from matplotlib.ticker import MaxNLocator

    with matplotlib.rc_context(_SETTINGS):
        drawing = Drawing(figsize=(_WIDTH, height))
        FigureCanvasSVG(drawing)
        axes = drawing.add_axes(
            (left / _WIDTH, _BOTTOM / height, 1 - (left + _RIGHT) / _WIDTH, 1 - (_BOTTOM + _TOP) / height)
        )
        axes.set_axisbelow(True)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(MaxNLocator(_MOST_TICKS))
        paint(axes)
        axes.minorticks_off()
        if len(axes.get_legend_handles_labels()[0]) > 1:
            # Above the axes, where it hides nothing.
            axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=4, borderaxespad=0, borderpad=0.2)
        text = io.StringIO()
        unsaid: dict[str, Any] = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        with warnings.catch_warnings():
            # A letter that matplotlib's font lacks is drawn by the browser all the same.
            warnings.simplefilter("ignore", UserWarning)
            drawing.savefig(text, format="svg", transparent=True, metadata=unsaid)
    content = _for_the_page(text.getvalue())
    return Figure(content, _WIDTH * _POINTS_PER_INCH, height * _POINTS_PER_INCH, title, description)


def draw_bars(title: str, description: str, names: Sequence[str], series: Mapping[str, Sequence[float]]) -> Figure:
    """Draws stacked bars, one below the other, each with its name.

    Args:
      title: of the figure.
      description: what it shows, for who cannot see it.
      names: of the bars.
      series: for each part of all bars its length in each.
    """
    shown = [short(name, 18) for name in names]

    def paint(axes: Axes) -> None:
        start = [0.0] * len(names)
        for (name, values), color in zip(series.items(), SERIES, strict=False):
            axes.barh(range(len(names)), values, 0.68, left=start, color=color, label=name)
            start = [before + value for before, value in zip(start, values, strict=True)]
        axes.set_yticks(range(len(names)), shown)
        axes.set_ylim(len(names) - 0.4, -0.6)
        axes.grid(axis="x")
        axes.spines["left"].set_visible(False)

    left = 0.3 + _PER_CHARACTER * max(map(len, shown))
    return draw(title, description, paint, _ROW * len(names) + _TOP + _BOTTOM, left)


def scale_by_powers(axes: Axes, *, along: Literal["x", "y"]) -> None:
    """Makes one axis logarithmic, its ticks written as plain numbers."""
    if along == "x":
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:g}")
    else:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")


def count_along_x(axes: Axes) -> None:
    """Ticks at whole numbers alone: epochs, trials."""
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(_MOST_TICKS, integer=True))


def _for_the_page(svg: str) -> Markup:
    """The content of the element, with the page's colours and font, and names of its own."""
    content = svg[svg.index(">", svg.index("<svg")) + 1 : svg.rindex("</svg>")]
    content = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", content, flags=re.DOTALL)
    referred = set(re.findall(r"(?:href=\"|url\()#([\w.-]+)", content))
    prefix = f"p{next(_numbers)}-"
    # Within tags alone: what a label says stays as it is.
    content = re.sub(r"<[^>]*>", lambda tag: _tag_for_the_page(tag[0], referred, prefix), content)
    return Markup(re.sub(r">\s+<", "><", content).strip())


def _tag_for_the_page(tag: str, referred: set[str], prefix: str) -> str:
    if "#0000" in tag:
        for color, on_the_page in _ON_THE_PAGE.items():
            tag = tag.replace(color, on_the_page)
    if tag.startswith("<text"):
        tag = re.sub(r" *font-family: [^;\"]*;?", "", tag)
        tag = tag.replace("rotate(-0 ", "rotate(0 ")
    tag = re.sub(r" id=\"([\w.-]+)\"", lambda id: f' id="{prefix}{id[1]}"' if id[1] in referred else "", tag)
    tag = re.sub(r"(href=\"|url\()#", rf"\g<1>#{prefix}", tag)
    return tag.replace("\n", "")
