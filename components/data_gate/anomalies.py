"""Deviations of a split's statistics from the schema."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from components.image_example_gen.facts import INDEX, SCHEMA, SOURCE, SPLIT, facts_files, read_facts
from schemas import features

_NUM_OFFENDERS = 5
# Every example has these: ingestion refuses the rest, and no statistics are made of them.
_GUARANTEED = frozenset({features.ENCODED, features.SHA256, features.FILENAME})


def gate_schema(schema: schema_pb2.Schema, num_labels: int) -> schema_pb2.Schema:
    """The schema as the statistics can be compared with it: the label has a domain, from 0 to the last class.

    Args:
      schema: curated or inferred.
      num_labels: number of classes.
    """
    completed = schema_pb2.Schema()
    completed.CopyFrom(schema)
    del completed.feature[:]
    completed.feature.extend(feature for feature in schema.feature if feature.name not in _GUARANTEED)
    for feature in completed.feature:
        if feature.name == features.LABEL and feature.WhichOneof("domain_info") in (None, "int_domain"):
            domain = feature.int_domain
            domain.min = max(domain.min, 0)
            domain.max = min(domain.max, num_labels - 1) if domain.HasField("max") else num_labels - 1
    return completed


def find_anomalies(
    statistics: statistics_pb2.DatasetFeatureStatisticsList, schema: schema_pb2.Schema, examples_uri: str, split: str
) -> list[tuple[str, str]]:
    """Compares one split with the schema.

    Args:
      statistics: of the split.
      schema: as `gate_schema` gives it.
      examples_uri: of the examples, whose facts name the offenders.
      split: its name.

    Returns:
      For each deviating feature its name, and what TFDV says with the first offending examples.
    """
    anomalies = tfdv.validate_statistics(statistics, schema)
    domains = {feature.name: feature for feature in schema.feature}
    found = []
    for name, anomaly in sorted(anomalies.anomaly_info.items()):
        message = anomaly.description
        if name in domains and (offenders := _offenders(domains[name], schema, examples_uri, split)):
            message = message.rstrip() + " First: " + "; ".join(offenders) + "."
        found.append((name, message))
    if anomalies.HasField("dataset_anomaly_info"):
        found.append(("data set", anomalies.dataset_anomaly_info.description))
    return found


def _offenders(feature: schema_pb2.Feature, schema: schema_pb2.Schema, examples_uri: str, split: str) -> list[str]:
    allowed = _domain(feature, schema)
    if allowed is None or feature.name not in SCHEMA.names:
        return []
    offenders: list[str] = []
    for path in facts_files(examples_uri):
        table = read_facts(path, (SPLIT, SOURCE, INDEX, feature.name))
        values = table[feature.name].to_pylist()
        for row in np.flatnonzero(table[SPLIT].to_numpy().astype(str) == split).tolist():
            if not allowed(values[row]):
                value = values[row]
                shown = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
                offenders.append(f"{shown} in {table[SOURCE][row]}, record {table[INDEX][row]}")
                if len(offenders) == _NUM_OFFENDERS:
                    return offenders
    return offenders


def _domain(feature: schema_pb2.Feature, schema: schema_pb2.Schema) -> Any:
    """A test whether a value is in the feature's domain, or None where it has none."""
    kind = feature.WhichOneof("domain_info")
    if kind in ("int_domain", "float_domain"):
        domain = getattr(feature, kind)
        low = domain.min if domain.HasField("min") else float("-inf")
        high = domain.max if domain.HasField("max") else float("inf")
        return lambda value: low <= value <= high
    if kind in ("string_domain", "domain"):
        shared = {domain.name: domain for domain in schema.string_domain}
        domain = feature.string_domain if kind == "string_domain" else shared[feature.domain]
        names = {name.encode() for name in domain.value}
        return lambda value: value in names
    return None
