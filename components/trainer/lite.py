"""TensorFlow Lite models: resized pixels in, probabilities out."""

from __future__ import annotations

from collections.abc import Iterator

import keras
import tensorflow as tf
from numpy.typing import NDArray

from components.errors import TrainingError
from components.transform.normalization import Normalization
from schemas import features
from schemas.export import LiteKind


class _PixelModel(tf.Module):
    """The network behind the normalisation."""

    def __init__(self, network: keras.Model, normalization: Normalization) -> None:
        super().__init__()
        self._network = network
        self._normalization = normalization
        # As constants: the converter cannot follow Keras's variables.
        self._trainable = [variable.numpy() for variable in network.trainable_variables]
        self._others = [variable.numpy() for variable in network.non_trainable_variables]
        spec = tf.TensorSpec([1, *network.input_shape[1:]], tf.uint8, name=features.LITE_PIXELS)
        self.classify = tf.function(self._classify, input_signature=[spec])

    def _classify(self, pixels: tf.Tensor) -> dict[str, tf.Tensor]:
        images = self._normalization(tf.cast(pixels, tf.float32))
        weights = (list(map(tf.constant, values)) for values in (self._trainable, self._others))
        logits, _ = self._network.stateless_call(*weights, images, training=False)
        return {features.PROBABILITIES: tf.nn.softmax(logits)}


def convert(network: keras.Model, normalization: Normalization, kind: LiteKind, representative: NDArray) -> bytes:
    """A model for devices, which must bring images to their size themselves.

    Its signature `serving_default` takes `pixels`, uint8 [1, height, width, channels], from 0 to 255, red first, and
    gives `probabilities`, float32 [1, classes]. Normalisation is inside.

    Args:
      network: from normalised images to logits.
      normalization: that it was trained with.
      kind: of the weights, and with `int8` of the arithmetic too.
      representative: uint8 [images, height, width, channels], by which 8 bits are scaled.

    Raises:
      TrainingError: the network has an operation that cannot be converted.
    """
    model = _PixelModel(network, normalization)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([model.classify.get_concrete_function()], model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if kind == "float16":
        converter.target_spec.supported_types = [tf.float16]
    else:

        def calibration() -> Iterator[list[NDArray]]:
            for image in representative:
                yield [image[None]]

        converter.representative_dataset = calibration
    try:
        return bytes(converter.convert())
    except Exception as error:
        # The converter raises whatever its passes raise.
        raise TrainingError(
            f"the network cannot be converted to TensorFlow Lite; take {kind} out of export.tflite: {error}"
        ) from error
