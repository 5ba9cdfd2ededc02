"""Judges the data and writes the verdict."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import tensorflow_data_validation as tfdv
from tfx import types
from tfx.components.statistics_gen import stats_artifact_utils
from tfx.dsl.components.base import base_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils
from tfx.utils import io_utils

from components.data_gate.anomalies import find_anomalies, gate_schema
from components.data_gate.artifact import VERDICT_NAME
from components.data_gate.verdict import Finding, Verdict
from components.image_example_gen.report import REPORT_NAME, IngestionReport
from schemas import features
from schemas.experiment import Data, Gate


class Executor(base_executor.BaseExecutor):
    """Writes `verdict.json` and the property `passed`."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """A verdict against the data is a result like any other: it raises nothing."""
        data = Data.model_validate_json(exec_properties["data"])
        gate = Gate.model_validate_json(exec_properties["gate"])
        examples = artifact_utils.get_single_instance(input_dict["examples"])
        with fileio.open(os.path.join(examples.uri, REPORT_NAME)) as file:
            report = IngestionReport.from_json(file.read())

        findings = _quarantine(report, data.quarantine.max_fraction)
        findings += _labels(report, data.labels, is_bounded=gate.anomalies == "fail")
        if gate.anomalies != "off":
            findings += _anomalies(input_dict, examples, len(report.labels(data.labels)), gate.anomalies == "fail")
        verdict = Verdict(tuple(findings))

        artifact = artifact_utils.get_single_instance(output_dict["verdict"])
        with fileio.open(os.path.join(artifact.uri, VERDICT_NAME), "w") as file:
            file.write(verdict.to_json())
        artifact.passed = int(verdict.passed)


def _quarantine(report: IngestionReport, limit: float) -> list[Finding]:
    refused = report.num_refused.total()
    if not refused:
        return []
    num_examples = refused + report.num_examples.total()
    fraction = refused / num_examples
    message = (
        f"{refused} of {num_examples} examples cannot be used, a fraction of {fraction:.4g};"
        f" the limit is data.quarantine.max_fraction = {limit:g}\n{report.describe_refusals()}"
    )
    return [Finding("quarantine", fraction > limit, message)]


def _labels(report: IngestionReport, declared: Sequence[str] | None, is_bounded: bool) -> list[Finding]:
    """Where the data contradicts data.labels: the network has one output for each of these names.

    Args:
      report: of the ingestion.
      declared: the experiment's `data.labels`.
      is_bounded: whether the anomalies tell of labels beyond the last class.
    """
    if declared is None:
        return []
    wrong = [
        f"class {label} is called {text!r} in the data and {declared[label]!r} in data.labels"
        for label, text in sorted(report.label_texts.items())
        if 0 <= label < len(declared) and text != declared[label]
    ]
    if report.max_label >= len(declared) and not is_bounded:
        wrong.append(f"the data has classes up to {report.max_label}, data.labels names 0 to {len(declared) - 1}")
    return [Finding("labels", True, f"{features.LABEL}: {'; '.join(wrong)}", feature=features.LABEL)] if wrong else []


def _anomalies(
    input_dict: dict[str, list[types.Artifact]], examples: types.Artifact, num_labels: int, fails: bool
) -> list[Finding]:
    statistics = artifact_utils.get_single_instance(input_dict["statistics"])
    schema_path = io_utils.get_only_uri_in_dir(artifact_utils.get_single_uri(input_dict["schema"]))
    schema = gate_schema(tfdv.load_schema_text(schema_path), num_labels)
    findings = []
    for split in artifact_utils.decode_split_names(statistics.split_names):
        split_statistics = stats_artifact_utils.load_statistics(statistics, split).proto()
        files = fileio.glob(os.path.join(artifact_utils.get_split_uri([examples], split), "*"))
        for feature, description in find_anomalies(split_statistics, schema, files):
            message = f"split {split}: {feature}: {description}"
            findings.append(Finding("anomalies", fails, message, split=split, feature=feature))
    return findings
