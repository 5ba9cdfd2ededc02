"""The section `evaluation`: what a model must show before it is pushed."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from schemas.section import Section


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


class Evaluation(Section):
    """What a model must show before it is pushed."""

    split: Literal["eval", "test"] = "test"
    """Split that the metrics are computed on."""
    thresholds: Annotated[dict[Literal["accuracy", "cross_entropy"], Threshold], Field(min_length=1)] = {
        "accuracy": Threshold(min=0.5, max_drop=0.01)
    }
    """Limits by metric."""
