"""The section `evaluation`: what a model must show before it is pushed."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from schemas.section import Section

Metric = Literal[
    "accuracy",
    "top_k_accuracy",
    "cross_entropy",
    "macro_precision",
    "macro_recall",
    "macro_f1",
    "macro_auc",
    "calibration_error",
]
# Of one class against all others, over the whole split; the part of the images with that label has them.
ClassMetric = Literal["precision", "recall", "f1", "auc"]
Fact = Literal["size", "brightness", "contrast", "format", "channels", "source"]

LOWER_IS_BETTER: tuple[Metric, ...] = ("cross_entropy", "calibration_error")
OVER_CLASSES: tuple[Metric, ...] = ("macro_precision", "macro_recall", "macro_f1", "macro_auc")
OF_ONE_CLASS: tuple[ClassMetric, ...] = ("precision", "recall", "f1", "auc")


class Threshold(Section):
    """Limits of one metric. A model outside of any is not blessed."""

    min: float | None = None
    """The value must be at least this."""
    max: float | None = None
    """The value must be at most this."""
    max_drop: Annotated[float, Field(ge=0)] | None = None
    """Against the last blessed model, the value may fall by at most this."""
    max_rise: Annotated[float, Field(ge=0)] | None = None
    """Against the last blessed model, the value may rise by at most this."""

    @model_validator(mode="after")
    def _limits_something(self) -> Threshold:
        if self.min is None and self.max is None:
            raise ValueError(
                "give 'min' or 'max': without a limit of the value itself a first model would never be blessed"
            )
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}: no value could meet both")
        if self.max_drop is not None and self.max_rise is not None:
            raise ValueError("give only one of 'max_drop' (higher is better) and 'max_rise' (lower is better)")
        return self


class SliceThresholds(Section):
    """Limits within parts of the images."""

    by: Literal["label"] | Fact
    """What the images are parted by."""
    value: str | None = None
    """The one part meant, such as a label. Default: each part."""
    min_images: Annotated[int, Field(ge=1)] = 10
    """Parts with fewer images are not judged: chance alone decides their figures."""
    thresholds: Annotated[dict[Metric | ClassMetric, Threshold], Field(min_length=1)]
    """Limits by metric."""

    @model_validator(mode="after")
    def _are_of_such_parts(self) -> SliceThresholds:
        wrong = OF_ONE_CLASS if self.by != "label" else OVER_CLASSES
        named = [metric for metric in self.thresholds if metric in wrong]
        if named:
            where = "parts by label alone" if self.by != "label" else "parts with more than one class"
            raise ValueError(f"{', '.join(named)}: a metric of {where}")
        return self


class Champion(Section):
    """What a model must be better in than the last blessed one, on the same images."""

    metric: Metric = "accuracy"
    """Over the whole split. Of cross_entropy and calibration_error less is better."""
    margin: Annotated[float, Field(gt=0)] = 0.001
    """By how much, at least."""


class Evaluation(Section):
    """What a model must show before it is pushed."""

    split: Literal["eval", "test"] = "test"
    """Split that the metrics are computed on."""
    top_k: Annotated[int, Field(ge=1)] = 3
    """A prediction counts for top_k_accuracy where the label is among this many of its first classes."""
    slices: tuple[Fact, ...] = ("size", "brightness")
    """Facts that the images are parted by, besides the label, for the same metrics within each part."""
    thresholds: Annotated[dict[Metric, Threshold], Field(min_length=1)] = {
        "accuracy": Threshold(min=0.5, max_drop=0.01)
    }
    """Limits by metric, over the whole split."""
    slice_thresholds: tuple[SliceThresholds, ...] = ()
    """Limits within parts of the split."""
    champion: Champion | None = None
    """What a model must be better in than the last blessed one; null lets one pass that keeps within the limits."""

    @property
    def champion_metric(self) -> Metric:
        """What a champion's scores are shown by."""
        return self.champion.metric if self.champion is not None else "accuracy"

    @model_validator(mode="after")
    def _parts_are_made(self) -> Evaluation:
        missing = sorted({limits.by for limits in self.slice_thresholds} - {"label", *self.slices})
        if missing:
            raise ValueError(f"slice_thresholds by {', '.join(missing)}: add that to 'slices'")
        return self
