"""Names by which artifacts are tied together. Loads no TensorFlow, for those who only look at ML Metadata."""

from __future__ import annotations

# Custom property of examples and their statistics: which files they come from.
INPUT_FINGERPRINT = "input_fingerprint"

# Custom properties of the gate's verdict: which statistics were judged, and why a run went on against it.
STATISTICS_ID = "statistics_id"
ACCEPTED = "accepted"

# Custom properties of a blessing, as TFX's Evaluator names them: whether it is one, and of which model.
BLESSED = "blessed"
MODEL_ID = "current_model_id"

# Type of a pushed model, and its custom properties as TFX's Pusher names them: `<serving directory>/<version>`, and the
# version alone.
PUSHED_MODEL = "PushedModel"
PUSHED_DESTINATION = "pushed_destination"
PUSHED_VERSION = "pushed_version"

# File of the ingestion's report, in the directory of the examples.
INGESTION_REPORT = "ingestion.json"
