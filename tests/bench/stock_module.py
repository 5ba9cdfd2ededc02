"""The module file of the stock pipeline: what TFX's Transform and Trainer take from a user."""

from __future__ import annotations

import tensorflow as tf
import tensorflow_transform as tft
from tfx.components.trainer import fn_args_utils
from tfx.components.trainer.fn_args_utils import DataAccessor
from tfx_bsl.public import tfxio

BATCH_SIZE = 128
SHAPE = (28, 28, 1)
NUM_CLASSES = 10

_IMAGE, _LABEL = "image", "label"
_STANDARDIZED_IMAGE = "standardized_image"
_CLASS = "class"


def preprocessing_fn(inputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Decodes the images and standardises them by the mean and variance of the training split.

    Args:
      inputs: `image`, string [batch, 1]; `label`, int64 [batch, 1].

    Returns:
      float32 [batch, 28, 28, 1] images and int64 [batch, 1] classes.
    """
    images = tf.map_fn(_decode, tf.reshape(inputs[_IMAGE], [-1]), fn_output_signature=tf.TensorSpec(SHAPE, tf.float32))
    standardized = (images - tft.mean(images)) / tf.sqrt(tft.var(images))
    return {_STANDARDIZED_IMAGE: standardized, _CLASS: inputs[_LABEL]}


def run_fn(arguments: fn_args_utils.FnArgs) -> None:
    """Trains for one epoch and exports a model that takes serialized examples."""
    transform = tft.TFTransformOutput(arguments.transform_output)
    training = _batches(arguments.train_files, arguments.data_accessor, transform, None)
    evaluation = _batches(arguments.eval_files, arguments.data_accessor, transform, 1)
    with tf.distribute.MirroredStrategy().scope():
        network = build_network()
        network.compile(
            optimizer="adam",
            loss=tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            metrics=["sparse_categorical_accuracy"],
        )
    network.fit(training, epochs=1, steps_per_epoch=arguments.train_steps, validation_data=evaluation, verbose=2)
    # As an attribute of the model, or the export would leave out what the transformation needs.
    network.transform_layer = transform.transform_features_layer()
    tf.saved_model.save(
        network, arguments.serving_model_dir, signatures={"serving_default": _serving(network, transform)}
    )


def build_network() -> tf.keras.Model:
    """The network: from images, float32 [batch, 28, 28, 1], to logits, float32 [batch, 10]."""
    layers = tf.keras.layers
    images = tf.keras.Input(SHAPE, name=_STANDARDIZED_IMAGE)
    x = layers.Conv2D(32, 3, activation="relu")(images)
    x = layers.MaxPooling2D()(x)
    x = layers.Conv2D(64, 3, activation="relu")(x)
    x = layers.MaxPooling2D()(x)
    x = layers.Dropout(0.25)(layers.Flatten()(x))
    x = layers.Dense(128, activation="relu")(x)
    return tf.keras.Model(images, layers.Dense(NUM_CLASSES)(x))


def _decode(content: tf.Tensor) -> tf.Tensor:
    return tf.cast(tf.io.decode_png(content, channels=1), tf.float32)


def _batches(
    files: list[str], accessor: DataAccessor, transform: tft.TFTransformOutput, num_epochs: int | None
) -> tf.data.Dataset:
    options = tfxio.TensorFlowDatasetOptions(batch_size=BATCH_SIZE, label_key=_CLASS, num_epochs=num_epochs)
    return accessor.tf_dataset_factory(files, options, transform.transformed_metadata.schema)


def _serving(network: tf.keras.Model, transform: tft.TFTransformOutput) -> tf.types.experimental.GenericFunction:
    spec = transform.raw_feature_spec()
    del spec[_LABEL]

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serve(examples: tf.Tensor) -> tf.Tensor:
        return network(network.transform_layer(tf.io.parse_example(examples, spec)))

    return serve
