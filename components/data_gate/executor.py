"""Judges the data and writes the verdict."""

from __future__ import annotations

import os
from typing import Any

import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx import types
from tfx.components.statistics_gen import stats_artifact_utils
from tfx.dsl.components.base import base_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils
from tfx.utils import io_utils

from components.data_gate.anomalies import find_anomalies, gate_schema
from components.data_gate.artifact import VERDICT_NAME
from components.data_gate.counts import check_classes, check_copies, check_labels, check_quarantine
from components.data_gate.distributions import check_distances, drift, skew
from components.data_gate.serving import load_serving_statistics
from components.data_gate.verdict import Finding, Verdict
from components.image_example_gen.report import REPORT_NAME, IngestionReport
from components.image_example_gen.splitting import TRAIN
from components.lineage import STATISTICS_ID
from schemas.data import Data
from schemas.gate import Gate

Artifacts = dict[str, list[types.Artifact]]


class Executor(base_executor.BaseExecutor):
    """Writes `verdict.json` and the property `passed`."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:
        """A verdict against the data is a result like any other: only what cannot be read raises DataError."""
        data = Data.model_validate_json(exec_properties["data"])
        gate = Gate.model_validate_json(exec_properties["gate"])
        examples = artifact_utils.get_single_instance(input_dict["examples"])
        statistics = artifact_utils.get_single_instance(input_dict["statistics"])
        with fileio.open(os.path.join(examples.uri, REPORT_NAME)) as file:
            report = IngestionReport.from_json(file.read())
        labels = report.labels(data.labels)
        schema_path = io_utils.get_only_uri_in_dir(artifact_utils.get_single_uri(input_dict["schema"]))
        schema = gate_schema(tfdv.load_schema_text(schema_path), len(labels))

        findings = check_quarantine(report, data.quarantine.max_fraction, gate)
        findings += check_labels(report, data.labels, is_bounded=gate.anomalies == "fail")
        if gate.anomalies != "off":
            findings += _anomalies(statistics, examples, schema, gate)
        findings += check_classes(report, labels, gate)
        findings += check_copies(report, gate)
        findings += _distances(statistics, input_dict.get("previous_statistics") or [], examples, schema, gate)
        verdict = Verdict(tuple(findings))

        artifact = artifact_utils.get_single_instance(output_dict["verdict"])
        with fileio.open(os.path.join(artifact.uri, VERDICT_NAME), "w") as file:
            file.write(verdict.to_json())
        artifact.passed = int(verdict.passed)
        artifact.set_int_custom_property(STATISTICS_ID, statistics.id)


def _anomalies(
    statistics: types.Artifact, examples: types.Artifact, schema: schema_pb2.Schema, gate: Gate
) -> list[Finding]:
    findings = []
    for split in artifact_utils.decode_split_names(statistics.split_names):
        split_statistics = stats_artifact_utils.load_statistics(statistics, split).proto()
        for feature, description in find_anomalies(split_statistics, schema, examples.uri, split):
            message = f"split {split}: {feature}: {description}"
            findings.append(Finding("anomalies", gate.anomalies == "fail", message, split=split, feature=feature))
    return findings


def _distances(
    statistics: types.Artifact,
    previous: list[types.Artifact],
    examples: types.Artifact,
    schema: schema_pb2.Schema,
    gate: Gate,
) -> list[Finding]:
    now = stats_artifact_utils.load_statistics(statistics, TRAIN).proto()
    findings = []
    if gate.drift != "off" and previous:
        before = stats_artifact_utils.load_statistics(previous[0], TRAIN).proto()
        findings += check_distances(drift(before, gate), now, schema, examples.uri)
    if gate.skew != "off" and gate.serving_statistics is not None:
        serving = load_serving_statistics(gate.serving_statistics)
        findings += check_distances(skew(serving, gate), now, schema, examples.uri)
    return findings
