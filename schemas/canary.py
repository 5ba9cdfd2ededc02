"""The section `canary`: what the exported model must do before it is pushed."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from schemas.section import Section

Positive = Annotated[float, Field(gt=0)]


class Agreement(Section):
    """How far a converted model may be from the SavedModel."""

    max_difference: Annotated[float, Field(ge=0, le=1)]
    """Of any class's probability, for any image."""
    min_same_class: Annotated[float, Field(ge=0, le=1)]
    """Share of the images that both give the same class."""


class LiteAgreement(Section):
    """How far the models of `export.tflite` may be from the SavedModel."""

    float16: Agreement = Agreement(max_difference=0.02, min_same_class=0.98)
    """Weights of 16 bits."""
    int8: Agreement = Agreement(max_difference=0.3, min_same_class=0.9)
    """Weights and arithmetic of 8 bits."""


class Canary(Section):
    """A trial of the exported model in a process of its own, as a model server loads it."""

    enabled: bool = True
    """Whether models are tried before they are pushed."""
    images: Annotated[int, Field(ge=1, le=1024)] = 64
    """Held-out images that it is tried with, spread over the classes; each class gives one at least."""
    tolerance: Positive = 1e-5
    """By how much a probability may differ from what the trained network says of the same bytes."""
    max_latency_p50_ms: Positive | None = None
    """The median of the time that one image takes, at most. Default: measured and not limited."""
    max_latency_p99_ms: Positive | None = None
    """The time within which 99 of 100 images are answered, one after another, at most."""
    min_images_per_second: Positive | None = None
    """Images that are answered in a second, in batches of 64, at least."""
    max_memory_mb: Positive | None = None
    """Memory of the process at its peak, in megabytes of a million bytes, at most."""
    max_seconds: Positive = 300.0
    """A trial that takes longer counts as failed."""
    tflite: LiteAgreement = LiteAgreement()
    """How far the models of `export.tflite` may be from the SavedModel."""
