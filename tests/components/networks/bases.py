"""Bases to test on, one of each family."""

from __future__ import annotations

import functools

import keras

from components.networks.backbones import build_base
from schemas.model import Model

SIZE = 96
FAMILIES = (
    "small_cnn",
    "small_resnet",
    "vgg16",
    "resnet50",
    "resnet50_v2",
    "inception_v3",
    "inception_resnet_v2",
    "xception",
    "densenet121",
    "nasnet_mobile",
    "mobilenet",
    "mobilenet_v2",
    "mobilenet_v3_small",
    "efficientnet_b0",
    "efficientnet_v2_b0",
    "convnext_tiny",
)


@functools.cache
def base(name: str) -> keras.Model:
    """A base for images of 96 x 96 pixels in colour; shared, so a test leaves it as it was."""
    return build_base(Model(backbone=name, filters=(4, 5, 6), depth=2), (SIZE, SIZE, 3))
