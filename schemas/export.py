"""The section `export`: what travels with the exported model."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from schemas.section import Section

LiteKind = Literal["float16", "int8"]


class Export(Section):
    """What travels with the exported model, in its directory `assets.extra`."""

    warm_up: Annotated[tuple[Annotated[int, Field(ge=1, le=1024)], ...], Field(max_length=1000)] = (1, 8)
    """Images in each of the requests that a model server answers before it takes others. With [] there are none, and
    the first real requests are slow."""
    tflite: tuple[LiteKind, ...] = ()
    """TensorFlow Lite models beside the SavedModel. float16: weights in 16 bits, half the size. int8: weights and
    arithmetic in 8 bits, a quarter; calibrated on images of the training split."""
