"""Weights in and out of networks, in Keras's own files."""

from __future__ import annotations

import os
import re
import tempfile

import h5py
import keras
import tensorflow as tf

from components.errors import TrainingError
from components.networks.backbones import BASE
from components.networks.layout import Layout, assign, difference, layout_of, refuse_difference
from components.networks.network import base_of

NATIVE = "native"
NETWORK_FILE = "model.keras"
ARCHITECTURE_FILE = "architecture.json"
BASE_WEIGHTS_FILE = "base.weights.h5"

_WEIGHTS_ENDING, _NETWORK_ENDING = ".weights.h5", ".keras"
_NUM_WEIGHTS_OF_CLASSES = 2


def save_native(network: keras.Model, directory: str) -> None:
    """Writes what another training can start from.

    Beside each other: `model.keras`, the whole network, with its optimiser's state where it is
    compiled; `architecture.json`, without weights; `base.weights.h5`, the weights of the base alone.
    Keras reads each without this project's code.

    Args:
      network: made by `build_network`.
      directory: where to; made where it is missing.
    """
    tf.io.gfile.makedirs(directory)
    network.save(os.path.join(directory, NETWORK_FILE))
    with tf.io.gfile.GFile(os.path.join(directory, ARCHITECTURE_FILE), "w") as file:
        file.write(network.to_json())
    base_of(network).save_weights(os.path.join(directory, BASE_WEIGHTS_FILE))


def load_base(base: keras.Model, file: str) -> None:
    """Gives a base the weights of a file.

    Args:
      base: of a network that `build_network` has made.
      file: a `.weights.h5` of a base; or a `.keras` of a network with a base inside, or of a base alone.

    Raises:
      TrainingError: there is no such file, it is of no such kind, cannot be read, or holds the
        weights of another architecture.
    """
    if file.endswith(_WEIGHTS_ENDING):
        _load_weights_file(base, _existing(file))
    elif file.endswith(_NETWORK_ENDING):
        stored = _read_network(file)
        inner = next((layer for layer in stored.layers if layer.name == BASE), stored)
        refuse_difference(layout_of(base.weights), layout_of(inner.weights), file)
        assign(base.weights, inner.weights)
    else:
        raise TrainingError(
            f"{file}: the name of a file with weights of a base must end in {_WEIGHTS_ENDING} (the base alone) or"
            f" {_NETWORK_ENDING} (the whole network)"
        )


def load_network(network: keras.Model, file: str) -> bool:
    """Gives a network the weights of another one, of the same architecture up to the number of classes.

    Args:
      network: made by `build_network`.
      file: a `.keras`, as `save_native` writes it.

    Returns:
      Whether all weights were taken. Where the number of classes differs, the last layer keeps its
      own weights, and this is False.

    Raises:
      TrainingError: there is no such file, it cannot be read, or the networks differ in more than
        the number of classes.
    """
    own, stored = network.weights, _read_network(file).weights
    if difference(layout_of(own), layout_of(stored)) is None:
        assign(own, stored)
        return True
    inner = slice(-_NUM_WEIGHTS_OF_CLASSES)
    # The last kernel has a row for each feature, and a column for each class.
    classes_alone = difference(layout_of(own[inner]), layout_of(stored[inner])) is None and (
        own[-_NUM_WEIGHTS_OF_CLASSES].shape[0] == stored[-_NUM_WEIGHTS_OF_CLASSES].shape[0]
    )
    if not classes_alone:
        refuse_difference(layout_of(own), layout_of(stored), file)
    assign(own[inner], stored[inner])
    return False


def _load_weights_file(base: keras.Model, file: str) -> None:
    stored = _layout_of_file(file)
    # Keras itself does not mind arrays that are left over.
    if sorted(shape for _, shape in stored) == sorted(tuple(weight.shape) for weight in base.weights):
        try:
            base.load_weights(file)
            return
        except ValueError:
            pass
    with tempfile.TemporaryDirectory() as directory:
        expected_file = os.path.join(directory, BASE_WEIGHTS_FILE)
        base.save_weights(expected_file)
        refuse_difference(_layout_of_file(expected_file), stored, file)
    raise TrainingError(f"{file} holds the weights of another architecture, with arrays of the same shapes")


def _layout_of_file(file: str) -> Layout:
    found: dict[str, tuple[str, tuple[int, ...]]] = {}

    def visit(path: str, item: object) -> None:
        # Beside the weights there are the states of random generators.
        if isinstance(item, h5py.Dataset) and "/seed_generator/" not in path:
            layer = str(item.parent.attrs.get("name", item.parent.name))
            found[path] = (f"{layer}/{path.rpartition('/')[2]}", tuple(item.shape))

    try:
        with h5py.File(file, "r") as opened:
            opened.visititems(visit)
    except OSError as error:
        raise TrainingError(f"{file} cannot be read as weights of Keras: {_in_one_line(error)}") from error
    return [found[path] for path in sorted(found, key=_counted)]


def _counted(path: str) -> list[tuple[int, str]]:
    """Sorts conv2d_10 behind conv2d_9."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", path)]


def _read_network(file: str) -> keras.Model:
    if not file.endswith(_NETWORK_ENDING):
        raise TrainingError(f"{file}: the name of a whole network's file must end in {_NETWORK_ENDING}")
    try:
        return keras.saving.load_model(_existing(file), compile=False)
    except TrainingError:
        raise
    except Exception as error:  # A damaged file, and a layer that is not Keras's, show in many ways.
        raise TrainingError(f"{file} cannot be read as a network of Keras: {_in_one_line(error)}") from error


def _existing(file: str) -> str:
    if not os.path.isfile(file):
        raise TrainingError(f"there is no file {file} to take weights from; is the path right?")
    return file


def _in_one_line(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")
