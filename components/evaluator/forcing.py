"""Blessing a model against the verdict: by somebody, for a reason, and kept with the blessing for good."""

from __future__ import annotations

import json
import os

from tfx import types
from tfx.components.evaluator import constants
from tfx.dsl.io import fileio
from tfx.utils import io_utils

_FORCED = "forced"


def forced_properties(forced: dict[str, str]) -> dict[str, str | int]:
    """Custom properties of a blessing that turn it into a forced one.

    Args:
      forced: `who`, `when`, `why`, and the `verdict` that it goes against.
    """
    return {_FORCED: json.dumps(forced), constants.ARTIFACT_PROPERTY_BLESSED_KEY: constants.BLESSED_VALUE}


def mark_forced(blessing_uri: str) -> None:
    """Replaces the file that says no by the one that says yes, as TFX's other stages read them."""
    io_utils.write_string_file(os.path.join(blessing_uri, constants.BLESSED_FILE_NAME), "")
    refusal = os.path.join(blessing_uri, constants.NOT_BLESSED_FILE_NAME)
    if fileio.exists(refusal):
        fileio.remove(refusal)


def read_forced(blessing: types.Artifact) -> dict[str, str] | None:
    """Who forced it, when, why and against which verdict; None where nobody did."""
    text = blessing.get_string_custom_property(_FORCED)
    return json.loads(text) if text else None
