"""Deviations of a split's statistics from the schema."""

from __future__ import annotations

from typing import Any

import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from components.data_gate.offenders import first_offenders
from schemas import features


def gate_schema(schema: schema_pb2.Schema, num_labels: int) -> schema_pb2.Schema:
    """The schema as the statistics can be compared with it: the label has a domain, from 0 to the last class.

    Args:
      schema: curated or inferred.
      num_labels: number of classes.
    """
    completed = schema_pb2.Schema()
    completed.CopyFrom(schema)
    del completed.feature[:]
    completed.feature.extend(feature for feature in schema.feature if feature.name not in features.WITHOUT_STATISTICS)
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
        if name in domains:
            message = message.rstrip() + _offenders(domains[name], schema, examples_uri, split)
        found.append((name, message))
    if anomalies.HasField("dataset_anomaly_info"):
        found.append(("data set", anomalies.dataset_anomaly_info.description))
    return found


def _offenders(feature: schema_pb2.Feature, schema: schema_pb2.Schema, examples_uri: str, split: str) -> str:
    allowed = _domain(feature, schema)
    return "" if allowed is None else first_offenders(examples_uri, split, feature.name, allowed)


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
