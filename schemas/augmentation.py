"""The section `augmentation`: how training images are varied."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from schemas.section import Section

Share = Annotated[float, Field(ge=0, le=1)]


class Augmentation(Section):
    """How training images are varied, anew each time they are seen. Evaluation and serving see them as they are."""

    flip: Literal["horizontal", "vertical", "both"] | None = None
    """Mirrors half of the images, along each axis named."""
    rotation: Annotated[float, Field(ge=0, le=180)] = 0.0
    """Largest turn to either side, in degrees."""
    zoom: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Largest change of size in either direction, as a share."""
    translation: Share = 0.0
    """Largest shift in either direction, as a share of height and width."""
    crop: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Largest share of height and width that a random crop leaves out; the rest is scaled back to full size."""
    brightness: Share = 0.0
    """Largest change of brightness, as a share of the range from black to white."""
    contrast: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Largest change of contrast in either direction, as a share."""
    mixup: Annotated[float, Field(ge=0)] = 0.0
    """Strength of MixUp, the alpha of its Beta distribution (Zhang et al. 2018); 0.2 is usual, 0 switches it off."""
    cutmix: Share = 0.0
    """Strength of CutMix, the alpha of its Beta distribution (Yun et al. 2019); 1 is usual, and the most that Keras
    takes, 0 switches it off. With MixUp, too, each batch gets one of them, by the toss of a coin."""
    fill: Literal["reflect", "constant", "nearest"] = "reflect"
    """What comes in at the border when an image is turned, shifted or made smaller."""
