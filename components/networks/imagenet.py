"""The weights that keras.applications has, learned from ImageNet."""

from __future__ import annotations

import os
import re
import warnings

import keras

from components.errors import TrainingError
from components.networks.applications import application_class
from components.networks.layout import assign, layout_of, refuse_difference


def load_imagenet(base: keras.Model, name: str) -> None:
    """Gives a base the weights that keras.applications has for it, learned from ImageNet.

    Keras downloads them, or takes them from its cache directory.

    Args:
      base: of a network that `build_network` has made.
      name: of its backbone.

    Raises:
      TrainingError: the backbone is not of keras.applications, or its weights cannot be had.
    """
    build = application_class(name)
    try:
        with warnings.catch_warnings():
            # Without a size, which the weights do not depend on, and of which NASNet takes one alone.
            warnings.filterwarnings("ignore", message="`input_shape` is undefined")
            pretrained = build(include_top=False, weights="imagenet")
    except Exception as error:  # Keras's downloader raises no narrower one.
        raise TrainingError(_unreachable(name, error)) from error
    # Where the scaling of the input has weights (EfficientNet), the base has it as constants.
    layers = [layer for layer in pretrained.layers if not isinstance(layer, keras.layers.Normalization)]
    weights = [weight for layer in layers for weight in layer.weights]
    refuse_difference(layout_of(base.weights), layout_of(weights), f"keras.applications' {name}")
    assign(base.weights, weights)


def _unreachable(name: str, error: Exception) -> str:
    told = " ".join(str(error).split()).rstrip(".")
    cache = os.path.join(os.environ.get("KERAS_HOME", os.path.join("~", ".keras")), "models")
    found = re.search(r"https?://\S+/([\w.-]+\.h5)", told)
    file = found.group(1) if found else "that it asks for"
    return (
        f"model.weights: Keras could not get the weights imagenet of {name}: {told}. Run where that can be reached;"
        f" or put the file {file} into {cache}; or start from a file of your own, model.weights: {{file: …}}"
    )
