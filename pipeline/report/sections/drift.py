"""How far the data is from the last that passed the gate, and from what is served."""

from __future__ import annotations

import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2
from tfx.dsl.io import fileio

from components.data_gate.distributions import COMPARED
from components.image_example_gen.splitting import TRAIN
from pipeline.report.content import Cell, Row, Table, Tone
from pipeline.report.material import Material


def distances(material: Material) -> Table | None:
    """A row for each fact that the gate compares; None where there is no earlier data."""
    now_uri, before_uri = material.uri("statistics"), material.input_uri("verdict", "previous_statistics")
    if now_uri is None or before_uri is None or not fileio.exists(before_uri):
        return None
    now, before = (_load(uri) for uri in (now_uri, before_uri))
    limit = material.experiment.gate.max_drift
    measured = _divergences(now, before)
    rows: list[Row] = []
    for name in COMPARED:
        distance = measured.get(name)
        tone: Tone = "problem" if distance is not None and distance > limit else "plain"
        averages = [_average(statistics, name) for statistics in (before, now)]
        rows.append([name, *averages, Cell("" if distance is None else f"{distance:.4f}", tone)])
    caption = (
        "The training split beside that of the last other data that passed the gate: averages, and the Jensen-Shannon"
        f" divergence of the distributions, 0 where they are the same and 1 at most; gate.max_drift is {limit:g}."
    )
    return Table(("fact", "before", "now", "distance"), rows, caption)


def _divergences(
    now: statistics_pb2.DatasetFeatureStatisticsList, before: statistics_pb2.DatasetFeatureStatisticsList
) -> dict[str, float]:
    schema = schema_pb2.Schema()
    for name, kind in COMPARED.items():
        feature = schema.feature.add(name=name, type=kind)
        divergence = feature.drift_comparator.jensen_shannon_divergence
        divergence.threshold = 1.0
        if kind == schema_pb2.INT:
            # As in the gate.
            divergence.source.type = schema_pb2.HistogramSelection.QUANTILES
    anomalies = tfdv.validate_statistics(now, schema, previous_statistics=before)
    return {
        ".".join(info.path.step): measured.value
        for info in anomalies.drift_skew_info
        for measured in info.drift_measurements
    }


def _load(uri: str) -> statistics_pb2.DatasetFeatureStatisticsList:
    return tfdv.load_stats_binary(f"{uri}/Split-{TRAIN}/FeatureStats.pb")


def _average(statistics: statistics_pb2.DatasetFeatureStatisticsList, name: str) -> str:
    for feature in statistics.datasets[0].features:
        if ".".join(feature.path.step) == name and feature.HasField("num_stats"):
            return f"{feature.num_stats.mean:.4g}"
    return ""
