"""The process's settings that must be made before TensorFlow is imported."""

from __future__ import annotations

import os
import warnings

_ENVIRONMENT = {
    # tf.Transform would otherwise turn tf.keras into Keras 2 (tensorflow_transform/keras_lib.py).
    "TF_USE_LEGACY_KERAS": "0",
    "KERAS_BACKEND": "tensorflow",
    "TF_CPP_MIN_LOG_LEVEL": "2",
}


def configure() -> None:
    """Sets what this project needs of Keras, and leaves what the user has set of the rest."""
    for name, value in _ENVIRONMENT.items():
        if name == "TF_CPP_MIN_LOG_LEVEL":
            os.environ.setdefault(name, value)
        else:
            os.environ[name] = value
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"google\..*")
