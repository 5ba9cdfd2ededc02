"""The gate's verdict as an artifact."""

from __future__ import annotations

from tfx.types import artifact

VERDICT_NAME = "verdict.json"

# Custom properties: which statistics were judged, and why a run went on against the verdict.
STATISTICS_ID = "statistics_id"
ACCEPTED = "accepted"


class DataVerdict(artifact.Artifact):
    """`passed` is 1 or 0; `verdict.json` holds what was found."""

    TYPE_NAME = "DarkroomDataVerdict"
    PROPERTIES = {"passed": artifact.Property(type=artifact.PropertyType.INT)}
