"""What the images are: how many of each class and split, how large, how bright, and how far from earlier ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from components.image_example_gen.facts import SPLIT
from components.image_example_gen.report import IngestionReport
from components.image_example_gen.splitting import SPLITS, TRAIN
from pipeline.report.content import Block, Cell, Figure, Row, Section, Table, Text, Tone, Values
from pipeline.report.material import Material
from pipeline.report.plots import SERIES, draw, draw_bars
from pipeline.report.sections.drift import distances
from pipeline.report.wording import count, counted, short, size
from schemas import features

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_BARS = 24
_MOST_CLASSES = 50
_NUM_BINS = 32
# What a drawing can show; more would only make the page large.
_MOST_POINTS = 200
_MOST_SIZES = 500


def data(material: Material) -> Section | None:
    """Counts, sizes and brightness from the facts, and distances from the last data that passed."""
    report, facts = material.ingestion, material.facts
    if report is None or facts is None or not facts.num_rows:
        return None
    blocks: list[Block] = [Values(list(_values(report, facts)))]
    blocks += [_class_figure(material.labels, report), *_sizes(facts), _brightness(facts)]
    blocks += [
        _class_table(material.labels, report),
        distances(material) or Text("There is no earlier data to compare this with.", "muted"),
    ]
    return Section("Data", blocks)


def _values(report: IngestionReport, facts: pa.Table) -> Iterator[tuple[str, str]]:
    yield "images", count(facts.num_rows)
    for split in SPLITS:
        yield split, f"{count(report.num_examples[split])} ({report.num_examples[split] / facts.num_rows:.0%})"
    if report.span is not None:
        yield "newest span", str(report.span)
    for name, column in (("format", features.FORMAT), ("channels", features.CHANNELS)):
        found = pc.value_counts(facts.column(column)).to_pylist()
        shown = [(_text(each["values"]), each["counts"]) for each in found]
        yield name, ", ".join(text if len(shown) == 1 else f"{text} ({count(number)})" for text, number in shown)
    yield "height × width", " × ".join(_range(facts.column(name)) for name in (features.HEIGHT, features.WIDTH))
    yield "stored", size(pc.sum(facts.column(features.NUM_BYTES)).as_py())
    copies = report.copies
    if copies.num_images:
        yield "copies", f"{counted(copies.num_examples, 'example')} of {counted(copies.num_images, 'image')}"
    if copies.num_leaking:
        yield "in two splits", counted(copies.num_leaking, "image")
    if copies.num_conflicting:
        yield "with two labels", counted(copies.num_conflicting, "image")


def _class_figure(labels: list[str], report: IngestionReport) -> Figure:
    by_split = _by_split(labels, report)
    in_train = by_split[TRAIN]
    rarest, most_frequent = count(min(in_train)), count(max(in_train))
    description = f"{len(labels)} classes; in the training split from {rarest} to {most_frequent} images each."
    if len(labels) <= _MOST_BARS:
        return draw_bars("Images per class and split", description, labels, by_split)
    return _falling(sorted(in_train, reverse=True), description)


def _class_table(labels: list[str], report: IngestionReport) -> Table:
    by_split = _by_split(labels, report)
    in_train = by_split[TRAIN]
    shown = sorted(range(len(labels)), key=lambda label: in_train[label])[:_MOST_CLASSES]
    caption = f"The {_MOST_CLASSES} rarest of {count(len(labels))} classes, by their training images."
    if len(labels) <= _MOST_CLASSES:
        shown.sort()
        caption = "Images by class and split."
    rows: list[Row] = [
        [
            short(labels[label]),
            *(Cell(count(by_split[split][label]), _missing(by_split[split][label])) for split in SPLITS),
        ]
        for label in shown
    ]
    return Table(("class", *SPLITS), rows, caption)


def _by_split(labels: list[str], report: IngestionReport) -> dict[str, tuple[int, ...]]:
    return {split: report.counts_of(split, len(labels)) for split in SPLITS}


def _missing(number: int) -> Tone:
    return "plain" if number else "problem"


def _falling(counts: list[int], description: str) -> Figure:
    places = np.unique(np.linspace(0, len(counts) - 1, _MOST_POINTS).round().astype(int))

    def paint(axes: Axes) -> None:
        axes.grid(axis="y")
        axes.fill_between(places + 1, [counts[place] for place in places], color=SERIES[0], linewidth=0)
        axes.set_xlabel("classes, the most frequent first")
        axes.set_ylim(0)

    return draw("Training images per class", description, paint)


def _sizes(facts: pa.Table) -> Iterator[Block]:
    heights, widths = (facts.column(name).to_numpy() for name in (features.HEIGHT, features.WIDTH))
    same_height, same_width = (values.min() == values.max() for values in (heights, widths))
    if same_height and same_width:
        return

    def paint(axes: Axes) -> None:
        axes.grid()
        step = -(-len(widths) // _MOST_SIZES)
        some = np.stack([widths, heights], axis=1)[::step]
        sizes, numbers = np.unique(some, axis=0, return_counts=True)
        axes.scatter(sizes[:, 0], sizes[:, 1], s=6 + 60 * numbers / numbers.max(), color=SERIES[0], alpha=0.5, lw=0)
        axes.set_xlabel("width in pixels")
        axes.set_ylabel("height in pixels")

    description = (
        f"Heights from {heights.min()} to {heights.max()} pixels, half of them up to {np.median(heights):g};"
        f" widths from {widths.min()} to {widths.max()}, half of them up to {np.median(widths):g}."
    )
    yield draw("Sizes", description, paint)


def _brightness(facts: pa.Table) -> Figure:
    means = {
        split: facts.filter(pc.equal(facts.column(SPLIT), split)).column(features.MEAN).to_numpy() for split in SPLITS
    }
    means = {split: values for split, values in means.items() if len(values)}

    def paint(axes: Axes) -> None:
        axes.grid(axis="y")
        for (split, values), color in zip(means.items(), SERIES, strict=False):
            shares, edges = np.histogram(values, _NUM_BINS, (0, 255))
            axes.stairs(100 * shares / len(values), edges, color=color, label=split, linewidth=1.4)
        axes.set_xlabel("brightness: mean over an image's pixels, 0 to 255")
        axes.set_ylabel("% of the split")
        axes.set_xlim(0, 255)
        axes.set_ylim(0)

    averages = ", ".join(f"{values.mean():.1f} in {split}" for split, values in means.items())
    return draw("Brightness", f"Average brightness of the images: {averages}; 0 is black and 255 white.", paint)


def _range(column: pa.ChunkedArray) -> str:
    low, high = pc.min_max(column).as_py().values()
    return f"{low} pixels" if low == high else f"{low} to {high} pixels"


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
