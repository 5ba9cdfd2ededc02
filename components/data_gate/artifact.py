"""The gate's verdict as an artifact."""

from __future__ import annotations

from tfx.types import artifact

VERDICT_NAME = "verdict.json"


class DataVerdict(artifact.Artifact):
    """`passed` is 1 or 0; `verdict.json` holds what was found."""

    TYPE_NAME = "DarkroomDataVerdict"
    PROPERTIES = {"passed": artifact.Property(type=artifact.PropertyType.INT)}
