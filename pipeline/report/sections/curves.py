"""How the training went, and what its curves show."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pipeline.report.content import Block, Figure, Section, Text, Tone, Values
from pipeline.report.material import Material
from pipeline.report.plots import INK, MUTED, SERIES, count_along_x, draw, scale_by_powers
from pipeline.report.wording import counted, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_TONES: dict[str, Tone] = {"problem": "problem", "warning": "warning", "good": "good"}
_MARKED_UP_TO = 12


def curves(material: Material) -> Section | None:
    """The curves of loss and accuracy, with the epoch whose weights were kept."""
    history, training = material.history, material.record.training
    if not history or not training:
        return None
    return Section("Learning curves", [Values(list(_values(material))), *_figures(history, training["best_epoch"])])


def diagnostics(material: Material) -> Section | None:
    """The signs in the curves, problems first."""
    found = material.record.diagnostics
    if not material.record.training:
        return None
    if not found:
        return Section("Diagnostics", [Text("The curves show neither a problem nor anything remarkable.", "muted")])
    return Section(
        "Diagnostics",
        [Text(sign["advice"], _TONES[sign["kind"]], _sentence(sign["message"])) for sign in found],
    )


def _values(material: Material) -> Iterator[tuple[str, str]]:
    training = material.record.training
    yield "epochs", str(training["epochs"])
    yield "best epoch", str(training["best_epoch"])
    yield "ended by", str(training["stopped_by"])
    yield "first weights", str(training["initial_weights"])
    if training["resumed_from_epoch"]:
        yield "resumed after epoch", str(training["resumed_from_epoch"])
    yield "time", f"{training['seconds']:.1f} s"


def _figures(history: dict[str, list[float]], best_epoch: int) -> Iterator[Block]:
    for name in ("loss", "accuracy"):
        yield _figure(name, history[name], history[f"val_{name}"], best_epoch)
    rates = history.get("learning_rate", [])
    if len(set(rates)) > 1:
        yield _rates(rates)


def _figure(name: str, train: Sequence[float], held_out: Sequence[float], best_epoch: int) -> Figure:
    epochs = range(1, len(train) + 1)
    kept = held_out[best_epoch - 1]
    marker = "o" if len(train) <= _MARKED_UP_TO else None

    def paint(axes: Axes) -> None:
        axes.grid(axis="y")
        axes.axvline(best_epoch, color=MUTED, linewidth=0.8, dashes=(3, 3))
        axes.plot(epochs, train, color=SERIES[1], marker=marker, label="train")
        axes.plot(epochs, held_out, color=SERIES[0], marker=marker, label="eval")
        best = f"best epoch {best_epoch}: {number(kept)}"
        axes.plot([best_epoch], [kept], color=INK, marker="o", markersize=6, linestyle="none", label=best)
        if name == "loss" and _spans_decades([*train, *held_out]):
            scale_by_powers(axes, along="y")
        axes.set_xlabel("epoch")
        axes.set_xlim(1 - 0.03 * len(train), len(train) * 1.03 if len(train) > 1 else 2)
        count_along_x(axes)

    description = (
        f"Over {counted(len(train), 'epoch')} {name} went from {number(train[0])} to {number(train[-1])} on the"
        f" training split and from {number(held_out[0])} to {number(held_out[-1])} on the eval split; in the best"
        f" epoch, {best_epoch}, it was {number(kept)} there."
    )
    return draw(name.capitalize(), description, paint)


def _rates(rates: Sequence[float]) -> Figure:
    def paint(axes: Axes) -> None:
        axes.grid(axis="y")
        axes.step(range(1, len(rates) + 1), rates, where="mid", color=SERIES[0])
        scale_by_powers(axes, along="y")
        axes.set_xlabel("epoch")

    description = f"The learning rate went from {rates[0]:.3g} to {rates[-1]:.3g}, at most {max(rates):.3g}."
    return draw("Learning rate", description, paint)


def _spans_decades(values: Sequence[float]) -> bool:
    finite = [value for value in values if math.isfinite(value)]
    return bool(finite) and min(finite) > 0 and max(finite) / min(finite) > 30


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
