"""The section `preprocessing`: what happens to every image, in training and in serving."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from schemas.section import Section

Normalization = Literal["none", "rescale", "standardize", "symmetric", "imagenet", "imagenet_bgr"]


class Preprocessing(Section):
    """What happens to every image, in training and in serving, inside the graph."""

    height: Annotated[int, Field(ge=1, le=4096)] = 224
    """Height of the model's input, in pixels."""
    width: Annotated[int, Field(ge=1, le=4096)] = 224
    """Width of the model's input, in pixels."""
    channels: Literal[1, 3] = 3
    """Grayscale or RGB."""
    fit: Literal["stretch", "pad"] = "stretch"
    """How an image of another shape meets height and width: stretched, or scaled and padded with zeros."""
    interpolation: Literal["nearest", "bilinear", "bicubic", "area"] = "bilinear"
    """Method of resizing. What it gives is rounded to whole numbers, as pixels of a file are."""
    antialias: bool = True
    """Low-pass filter before an image is made smaller (bilinear and bicubic)."""
    normalization: Literal["auto"] | Normalization = "auto"
    """none: 0 to 255. rescale: 0 to 1. symmetric: -1 to 1. standardize: mean 0, deviation 1 per channel over the
    training split. imagenet: the same by ImageNet's mean and deviation. imagenet_bgr: ImageNet's mean taken off, blue
    first. auto: what the backbone was made for; standardize for small_cnn and small_resnet."""
