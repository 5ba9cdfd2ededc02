"""The table of backbones: their names, and what each was made for. Their networks are in components/networks."""

from __future__ import annotations

from typing import NamedTuple

from schemas.preprocessing import Normalization


class Backbone(NamedTuple):
    """What is known of a backbone without building it."""

    normalization: Normalization
    """Scaling of the input that it was made for."""
    smallest_size: int
    """Fewest pixels of height and width that it can take."""
    application: str | None = None
    """Its name in `keras.applications`, where it comes from there."""


def _family(normalization: Normalization, smallest_size: int, **applications: str) -> dict[str, Backbone]:
    return {name: Backbone(normalization, smallest_size, keras_name) for name, keras_name in applications.items()}


BACKBONES: dict[str, Backbone] = {
    "small_cnn": Backbone("standardize", 2),
    "small_resnet": Backbone("standardize", 8),
    **_family("imagenet_bgr", 32, vgg16="VGG16", vgg19="VGG19"),
    **_family("imagenet_bgr", 32, resnet50="ResNet50", resnet101="ResNet101", resnet152="ResNet152"),
    **_family("symmetric", 32, resnet50_v2="ResNet50V2", resnet101_v2="ResNet101V2", resnet152_v2="ResNet152V2"),
    **_family("symmetric", 75, inception_v3="InceptionV3", inception_resnet_v2="InceptionResNetV2"),
    **_family("symmetric", 71, xception="Xception"),
    **_family("imagenet", 32, densenet121="DenseNet121", densenet169="DenseNet169", densenet201="DenseNet201"),
    **_family("symmetric", 32, nasnet_mobile="NASNetMobile", nasnet_large="NASNetLarge"),
    **_family("symmetric", 32, mobilenet="MobileNet", mobilenet_v2="MobileNetV2"),
    **_family("none", 32, mobilenet_v3_small="MobileNetV3Small", mobilenet_v3_large="MobileNetV3Large"),
    **_family("none", 32, **{f"efficientnet_b{size}": f"EfficientNetB{size}" for size in range(8)}),
    **_family("none", 32, **{f"efficientnet_v2_b{size}": f"EfficientNetV2B{size}" for size in range(4)}),
    **_family("none", 32, **{f"efficientnet_v2_{size}": f"EfficientNetV2{size.upper()}" for size in "sml"}),
    **_family("none", 32, convnext_tiny="ConvNeXtTiny", convnext_small="ConvNeXtSmall", convnext_base="ConvNeXtBase"),
    **_family("none", 32, convnext_large="ConvNeXtLarge", convnext_xlarge="ConvNeXtXLarge"),
}
