"""The Transform stage's graph, as training and serving apply it."""

from __future__ import annotations

import tensorflow as tf
import tensorflow_transform as tft
from tensorflow_transform.saved.saved_transform_io_v2 import SavedModelLoader

from components.transform.normalization import Normalization
from schemas import features
from schemas.preprocessing import Preprocessing


class TransformGraph(tf.Module):
    """Applies the graph without the Keras 2 model that tf.Transform wraps around it.

    Keras 2 has no place in a Keras 3 program, and tracing it takes seconds.
    """

    def __init__(self, transform: tft.TFTransformOutput) -> None:
        super().__init__()
        self._loader = SavedModelLoader(transform.transform_savedmodel_dir)
        # Followed by tf.saved_model.save, so that whatever the graph reads goes along.
        self._read_by_the_graph = vars(self._loader)["_imported"]

    @tf.autograph.experimental.do_not_convert
    def __call__(self, raw: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Computes every output that follows from the features that are given.

        Args:
          raw: by name, shaped as the schema says.

        Returns:
          `pixels`, float32 [batch, height, width, channels], whole numbers from 0 to 255; `image`, the same
          normalised; `normalization`, float32 [batch, 2, channels]; with a label among the inputs also
          `label`, int64 [batch].
        """
        return dict(self._loader.apply_transform_model(raw))


def normalization_of(transform: tft.TFTransformOutput, preprocessing: Preprocessing) -> Normalization:
    """The normalisation that the graph applies, standardisation by the training split included.

    Args:
      transform: output of the Transform stage.
      preprocessing: which it was made for.
    """
    # What the graph divides by is the same for every image, so any will do.
    spec = transform.raw_feature_spec()
    raw = {name: tf.zeros([1, *spec[name].shape], spec[name].dtype) for name in features.STORED_IMAGE}
    file = tf.io.encode_png(tf.zeros([1, 1, preprocessing.channels], tf.uint8))
    raw[features.ENCODED] = tf.fill(tf.shape(raw[features.ENCODED]), file)
    values = TransformGraph(transform)(raw)[features.TRANSFORMED_NORMALIZATION][0].numpy()
    return Normalization(preprocessing.normalization, values[0], values[1])
