"""What the trained network itself says, without anything of the export."""

from __future__ import annotations

import copy
import os
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
from numpy.typing import NDArray

from components.networks.weights import NATIVE, NETWORK_FILE
from components.transform.graph import TransformGraph
from schemas import features


class Expected(NamedTuple):
    """What a model server must answer, and what a device would be given."""

    probabilities: NDArray[np.float32]
    """[images, classes]."""
    pixels: NDArray[np.uint8]
    """[images, height, width, channels], of the network's size."""


def expected_answers(model_uri: str, transform_directory: str, examples: list[bytes]) -> Expected:
    """Probabilities by the network's native file over the Transform stage's own output.

    Args:
      model_uri: the Trainer's output.
      transform_directory: output of the Transform stage.
      examples: serialized, as they are stored.
    """
    network = in_float32(keras.saving.load_model(os.path.join(model_uri, NATIVE, NETWORK_FILE), compile=False))
    transform = tft.TFTransformOutput(transform_directory)
    spec = transform.raw_feature_spec()
    raw = tf.io.parse_example(tf.constant(examples), {name: spec[name] for name in features.STORED_IMAGE})
    transformed = TransformGraph(transform)(raw)
    probabilities = tf.nn.softmax(network(transformed[features.TRANSFORMED_IMAGE], training=False))
    return Expected(probabilities.numpy(), transformed[features.TRANSFORMED_PIXELS].numpy().astype(np.uint8))


def in_float32(network: keras.Model) -> keras.Model:
    """The same network with all its arithmetic in 32 bits, as it is exported; itself where it is so already."""
    if all(layer.compute_dtype == "float32" for layer in network._flatten_layers(include_self=False)):
        return network
    twin = type(network).from_config(_with_policy(copy.deepcopy(network.get_config())))
    twin.set_weights(network.get_weights())
    return twin


def _with_policy(config: Any) -> Any:
    if isinstance(config, dict):
        if config.get("class_name") == "DTypePolicy":
            return "float32"
        return {key: _with_policy(value) for key, value in config.items()}
    if isinstance(config, (list, tuple)):
        return type(config)(_with_policy(value) for value in config)
    return config
