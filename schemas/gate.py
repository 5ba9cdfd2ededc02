"""The sections `schema` and `gate`: what the data must look like, and what stops a run before any training."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from schemas.section import ExperimentPath, Section

Policy = Literal["fail", "warn", "off"]


class Schema(Section):
    """What the data must look like."""

    file: ExperimentPath | None = None
    """A TFDV schema (`.pbtxt`), or the name of one in `schemas/`. Default: inferred from the training split."""


class Gate(Section):
    """What stops a run before any training: each check fails the run, warns, or is off."""

    anomalies: Policy = "fail"
    """Deviations of the statistics from the schema."""
    quarantine: Policy = "fail"
    """More unusable examples than `data.quarantine.max_fraction`."""
    too_few: Policy = "fail"
    """A class with fewer examples in the training split than `min_per_class`."""
    min_per_class: Annotated[int, Field(ge=1)] = 1
    """Fewest examples of each class to train on."""
    imbalance: Policy = "warn"
    """A class with `max_imbalance` times as many training examples as another."""
    max_imbalance: Annotated[float, Field(ge=1)] = 50.0
    """Largest ratio of the most frequent class to the rarest."""
    duplicates: Policy = "warn"
    """More than `max_duplicates` of the examples repeat the image of another."""
    max_duplicates: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Largest share of examples whose image occurs before."""
    leakage: Policy = "warn"
    """The same image in two splits."""
    conflicts: Policy = "warn"
    """The same image with two labels."""
    drift: Policy = "warn"
    """Distance of a fact's distribution from that of the last other data that passed the gate."""
    max_drift: Annotated[float, Field(gt=0, le=1)] = 0.1
    """Largest Jensen-Shannon divergence, 0 to 1, where the schema states no drift_comparator of its own."""
    skew: Policy = "warn"
    """Distance of a fact's distribution while training from that while serving."""
    max_skew: Annotated[float, Field(gt=0, le=1)] = 0.1
    """Largest Jensen-Shannon divergence, 0 to 1, where the schema states no skew_comparator of its own."""
    serving_statistics: ExperimentPath | None = None
    """TFDV statistics of the images that were served (binary or text protobuf, or TFRecord). Without: no skew check."""
