"""What a run's record keeps of its data."""

from __future__ import annotations

import os
from typing import Any

from tfx import types
from tfx.dsl.io import fileio

from components.image_example_gen.report import REPORT_NAME, IngestionReport


def describe_examples(examples: types.Artifact) -> dict[str, Any]:
    """Counts by split and by reason of refusal, where the quarantine is, and the newest span.

    Args:
      examples: output of ImageExampleGen.
    """
    with fileio.open(os.path.join(examples.uri, REPORT_NAME)) as file:
        report = IngestionReport.from_json(file.read())
    return {
        "examples": dict(report.num_examples),
        "refused": dict(report.num_refused),
        "lost": report.num_lost,
        "quarantine": report.quarantine,
        "span": report.span,
    }
