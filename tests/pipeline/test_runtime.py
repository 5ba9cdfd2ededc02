from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
CONFIGURE = """
import json, os, warnings
from pipeline import runtime
runtime.configure()
print(json.dumps({name: value for name, value in os.environ.items() if name.startswith(("TF_", "KERAS_"))}))
with warnings.catch_warnings(record=True) as caught:
    for module in ("google.api_core", "elsewhere"):
        warnings.warn_explicit("to come", FutureWarning, "file.py", 1, module=module)
print(len(caught))
"""


def configure(**environment: str) -> tuple[dict[str, str], int]:
    """The environment's settings afterwards, and how many of two announcements are shown."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("TF_", "KERAS_"))}
    output = subprocess.run(
        [sys.executable, "-c", CONFIGURE],
        cwd=ROOT,
        env={**clean, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout.splitlines()
    return json.loads(output[0]), int(output[1])


def test_keras_3_on_tensorflow_whatever_is_set() -> None:
    """What this project needs of Keras is set, also against the user's environment."""
    settings, _ = configure(TF_USE_LEGACY_KERAS="1", KERAS_BACKEND="jax")
    assert (settings["TF_USE_LEGACY_KERAS"], settings["KERAS_BACKEND"]) == ("0", "tensorflow")


def test_the_user_decides_how_much_tensorflow_says() -> None:
    """TensorFlow's level of logging is set only where the user has not set it."""
    assert configure()[0]["TF_CPP_MIN_LOG_LEVEL"] == "2"
    assert configure(TF_CPP_MIN_LOG_LEVEL="0")[0]["TF_CPP_MIN_LOG_LEVEL"] == "0"


def test_announcements_of_google_s_libraries_are_not_shown() -> None:
    """Of two announcements, the one from Google's libraries is left out."""
    assert configure()[1] == 1
