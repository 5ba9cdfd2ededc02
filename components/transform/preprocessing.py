"""What happens to every image, inside the graph that training and serving share."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
import tensorflow_transform as tft

from components.errors import DataError
from components.pixels import decode_file, load_stored, with_channels
from components.transform.normalization import Normalization, fixed_normalization
from components.transform.sizing import fit_to_size
from schemas import features
from schemas.preprocessing import Preprocessing

_PARALLEL_DECODES = 16
# Of 255: above what computing the deviation of images of one colour rounds off.
_SMALLEST_DEVIATION = 1e-2


def preprocessing_fn(inputs: dict[str, tf.Tensor], custom_config: dict[str, Any]) -> dict[str, tf.Tensor]:
    """The Transform stage's function.

    Args:
      inputs: raw features of a batch, each [batch] or [batch, 1].
      custom_config: `preprocessing`, the experiment's section as JSON, its normalisation resolved, and `encoding`.

    Returns:
      `pixels`: float32 [batch, height, width, channels], whole numbers from 0 to 255, red first; `image`: the same
      normalised, in the normalisation's order of channels; `normalization`: float32 [batch, 2, channels], what
      is taken off, and what the rest is divided by; `label`: int64 [batch].

    Raises:
      DataError: the schema does not name every feature that an image is read by, or not its shape.
    """
    missing = [name for name in (*features.STORED_IMAGE, features.LABEL) if name not in inputs]
    if missing:
        raise DataError(
            f"the schema does not name {', '.join(missing)}; add what is missing to the file in schema.file,"
            " or leave that out to have the schema inferred"
        )
    loose = [name for name in (*features.STORED_IMAGE, features.LABEL) if isinstance(inputs[name], tf.SparseTensor)]
    if loose:
        raise DataError(
            f"the schema gives {', '.join(loose)} no fixed shape; write 'presence {{ min_fraction: 1.0 }} shape {{ }}'"
            " there in place of value_count"
        )
    config = Preprocessing.model_validate_json(custom_config["preprocessing"])
    batch = _StoredBatch(inputs, custom_config["encoding"], config)
    pixels = tf.cast(batch.pixels(), tf.float32)
    normalization = _normalization(batch, config)
    return {
        features.TRANSFORMED_PIXELS: pixels,
        features.TRANSFORMED_IMAGE: normalization(pixels),
        features.TRANSFORMED_NORMALIZATION: _for_each(pixels, normalization),
        features.TRANSFORMED_LABEL: tf.reshape(inputs[features.LABEL], [-1]),
    }


class _StoredBatch:
    """A batch of stored images and the ways to look at it."""

    def __init__(self, inputs: dict[str, tf.Tensor], encoding: str, config: Preprocessing) -> None:
        self._config = config
        self._is_compressed = encoding == "compressed"
        names = [features.ENCODED]
        if not self._is_compressed:
            names += [features.FORMAT, features.HEIGHT, features.WIDTH, features.CHANNELS]
        self._stored = tuple(tf.reshape(inputs[name], [-1]) for name in names)

    def pixels(self) -> tf.Tensor:
        """uint8 [batch, height, width, channels]."""
        config = self._config
        shape = (config.height, config.width, config.channels)
        return self._map(lambda image: image, tf.TensorSpec(shape, tf.uint8))

    def moments(self) -> tf.Tensor:
        """Means of pixels and of their squares, float64 [batch, 2, channels], of pixels from 0 to 255.

        Apart from `pixels`, so that the analysis never holds a whole batch of pixels.
        """

        def measure(image: tf.Tensor) -> tf.Tensor:
            precise = tf.cast(image, tf.float64)
            return tf.stack([tf.reduce_mean(precise, [0, 1]), tf.reduce_mean(tf.square(precise), [0, 1])])

        return self._map(measure, tf.TensorSpec((2, self._config.channels), tf.float64))

    def _map(self, function: Any, signature: tf.TensorSpec) -> tf.Tensor:
        return tf.map_fn(
            lambda stored: function(self._load(stored)),
            self._stored,
            parallel_iterations=_PARALLEL_DECODES,
            fn_output_signature=signature,
        )

    def _load(self, stored: tuple[tf.Tensor, ...]) -> tf.Tensor:
        """One image, uint8 [height, width, channels]."""
        config = self._config
        if not self._is_compressed:
            contents, image_format, height, width, channels = stored
            pixels = load_stored(contents, image_format, height, width, channels, config.channels)
            return _rounded(fit_to_size(pixels, config))
        shape = (config.height, config.width, config.channels)
        file = decode_file(stored[0])
        pixels = tf.cond(
            tf.reduce_all(tf.equal(tf.shape(file), shape)), lambda: file, lambda: _file_fitted_to_size(file, config)
        )
        pixels.set_shape(shape)
        return pixels


def _file_fitted_to_size(file: tf.Tensor, config: Preprocessing) -> tf.Tensor:
    def fit(file: tf.Tensor) -> tf.Tensor:
        return _rounded(fit_to_size(with_channels(tf.cast(file, tf.float32), config.channels), config))

    # Inlined, all its operations would be passed by for each image that fits already: a quarter of the time.
    return tf.function(fit, experimental_attributes={"_noinline": True})(file)


def _rounded(pixels: tf.Tensor) -> tf.Tensor:
    return tf.cast(tf.round(pixels), tf.uint8)


def _normalization(batch: _StoredBatch, config: Preprocessing) -> Normalization:
    if config.normalization == "standardize":
        return Normalization(config.normalization, *_moments(batch))
    return fixed_normalization(config.normalization, config.channels)


def _for_each(pixels: tf.Tensor, normalization: Normalization) -> tf.Tensor:
    """float32 [batch, 2, channels], the same for each image."""
    parts = tf.stack([tf.convert_to_tensor(normalization.offset), tf.convert_to_tensor(normalization.scale)])
    return tf.tile(parts[tf.newaxis], [tf.shape(pixels)[0], 1, 1])


def _moments(batch: _StoredBatch) -> tuple[tf.Tensor, tf.Tensor]:
    """Mean and deviation of the training split, float32 [channels].

    Each image weighs the same, as they all have one size by then.
    """
    means = tft.mean(batch.moments(), reduce_instance_dims=False)
    mean, mean_square = means[0], means[1]
    deviation = tf.sqrt(tf.maximum(mean_square - tf.square(mean), 0.0))
    return tf.cast(mean, tf.float32), tf.cast(tf.maximum(deviation, _SMALLEST_DEVIATION), tf.float32)
