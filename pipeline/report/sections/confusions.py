"""Which classes are taken for which, and how well each is recognised."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.report.content import Block, Cell, Matrix, Row, Section, Table
from pipeline.report.material import Material
from pipeline.report.wording import count, counted, number, short

_MOST_IN_MATRIX = 20
_MOST_PAIRS = 12
_MOST_CLASSES = 50
_FIGURES = ("precision", "recall", "f1", "auc")


def confusions(material: Material) -> Section | None:
    """The confusion matrix, of the most confused classes where there are many, and the most frequent confusions."""
    table = material.predictions
    if table is None or not table.num_rows:
        return None
    labels, predicted = (table.column(name).to_numpy() for name in ("label", "predicted"))
    wrong = labels != predicted
    blocks: list[Block] = [_matrix(material, labels, predicted)]
    if wrong.any():
        blocks.append(_pairs(material, labels, labels[wrong], predicted[wrong]))
    return Section("Confusion matrix", blocks)


def classes(material: Material) -> Section | None:
    """A row for each class, the worst alone where there are many."""
    by_class = material.class_metrics
    if not by_class:
        return None
    order = {label: index for index, label in enumerate(material.labels)}
    shown = sorted(by_class, key=lambda label: by_class[label]["f1"])[:_MOST_CLASSES]
    caption = f"The {_MOST_CLASSES} of {count(len(by_class))} classes with the lowest F1, the worst first."
    if len(by_class) <= _MOST_CLASSES:
        shown.sort(key=lambda label: order.get(label, len(order)))
        caption = "Each class against all others, in the order of their numbers."
    rows: list[Row] = []
    for label in shown:
        figures = by_class[label]
        values = [Cell(number(figures.get(name)), share=figures["f1"] if name == "f1" else None) for name in _FIGURES]
        rows.append([short(label), count(figures["example_count"]), *values])
    return Section("Classes", [Table(("class", "images", *_FIGURES), rows, caption)])


def _matrix(material: Material, labels: NDArray, predicted: NDArray) -> Matrix:
    num_classes = max(len(material.labels), int(labels.max()) + 1, int(predicted.max()) + 1)
    caption = "Rows: what the images show. Columns: what the model says. Shades: shares of the row."
    chosen = np.arange(num_classes)
    if num_classes > _MOST_IN_MATRIX:
        wrong = labels != predicted
        mistaken = np.bincount(labels[wrong], minlength=num_classes)
        mistaken += np.bincount(predicted[wrong], minlength=num_classes)
        chosen = np.sort(np.argsort(-mistaken, kind="stable")[:_MOST_IN_MATRIX])
        caption += f" The {_MOST_IN_MATRIX} of {count(num_classes)} classes that are confused most."
    place = np.full(num_classes, -1)
    place[chosen] = np.arange(len(chosen))
    rows, columns = place[labels], place[predicted]
    inside = (rows >= 0) & (columns >= 0)
    counts = np.zeros((len(chosen), len(chosen)), np.int64)
    np.add.at(counts, (rows[inside], columns[inside]), 1)
    return Matrix([short(material.label(index), 18) for index in chosen.tolist()], counts.tolist(), caption)


def _pairs(material: Material, all_labels: NDArray, labels: NDArray, predicted: NDArray) -> Table:
    pairs, counts = np.unique(np.stack([labels, predicted], axis=1), axis=0, return_counts=True)
    most = np.argsort(-counts, kind="stable")[:_MOST_PAIRS].tolist()
    of_class = np.bincount(all_labels)
    rows: list[Row] = []
    for index in most:
        label, taken_for = pairs[index].tolist()
        share = counts[index] / of_class[label]
        names = [short(material.label(label)), short(material.label(taken_for))]
        rows.append([*names, count(counts[index]), Cell(f"{share:.1%}", share=float(share))])
    caption = f"The most frequent of {counted(len(pairs), 'kind')} of confusion; shares of the true class."
    return Table(("class", "taken for", "images", "share"), rows, caption, num_texts=2)
