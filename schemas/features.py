"""Names of the `tf.Example` features that every stage after ingestion relies on."""

from __future__ import annotations

ENCODED = "image/encoded"
FORMAT = "image/format"
HEIGHT = "image/height"
WIDTH = "image/width"
CHANNELS = "image/channels"
LABEL = "image/class/label"
LABEL_TEXT = "image/class/text"
FILENAME = "image/filename"

# Facts, added by ingestion.
SHA256 = "image/sha256"
MEAN = "image/mean"
STDDEV = "image/stddev"
NUM_BYTES = "image/bytes"

# What the Transform graph reads of an image.
STORED_IMAGE = (ENCODED, FORMAT, HEIGHT, WIDTH, CHANNELS)

# Ingestion gives each example exactly one value of these, and statistics are made of all the others.
WITHOUT_STATISTICS = (ENCODED, SHA256, FILENAME)

# Values of `image/format` for pixels that are stored without a file format.
RAW_FORMAT = "RAW"
FLOAT32_FORMAT = "FLOAT32"

FORMATS = ("JPEG", "PNG", "GIF", "BMP", RAW_FORMAT, FLOAT32_FORMAT)

# Outputs of the Transform stage.
TRANSFORMED_PIXELS = "pixels"
TRANSFORMED_IMAGE = "image"
TRANSFORMED_NORMALIZATION = "normalization"
TRANSFORMED_LABEL = "label"

# Signatures of the exported model, and the names of their inputs and outputs.
SERVING_SIGNATURE = "serving_default"
EXAMPLES_SIGNATURE = "serving_examples"
IMAGE_BYTES = "image_bytes"
EXAMPLES = "examples"
CLASS_ID = "class_id"
CLASS_LABEL = "label"
PROBABILITIES = "probabilities"
TOP_LABELS = "top_labels"
TOP_PROBABILITIES = "top_probabilities"

# Files beside the graph in the SavedModel's assets.
LABELS_ASSET = "labels.txt"
EXPERIMENT_ASSET = "experiment.json"

# Files beside the SavedModel's graph that no signature reads.
WARM_UP_REQUESTS = "assets.extra/tf_serving_warmup_requests"
LITE_MODELS = {"float16": "assets.extra/model_float16.tflite", "int8": "assets.extra/model_int8.tflite"}

# Input of the TensorFlow Lite models.
LITE_PIXELS = "pixels"
