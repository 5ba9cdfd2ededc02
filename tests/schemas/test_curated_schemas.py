from __future__ import annotations

from typing import Any

import pandas
import pytest
import tensorflow_data_validation as tfdv

from schemas import features
from schemas.loading import load_experiment

SIZES = {"digits": 8, "fashion_mnist": 28}
OPTIONAL = {features.FILENAME}


def labels_of(dataset: str) -> tuple[str, ...]:
    labels = load_experiment(dataset).data.labels
    assert labels is not None
    return labels


def schema_of(dataset: str) -> Any:
    file = load_experiment(dataset).schema_.file
    assert file is not None
    return tfdv.load_schema_text(file)


def examples(dataset: str) -> pandas.DataFrame:
    """Canonical examples as ingestion makes them, two of each class."""
    labels, size = labels_of(dataset), SIZES[dataset]
    rows = [
        {
            features.ENCODED: b"\x89PNG\r\n" + bytes([index]),
            features.FORMAT: b"PNG",
            features.HEIGHT: size,
            features.WIDTH: size,
            features.CHANNELS: 1,
            features.LABEL: index % 10,
            features.LABEL_TEXT: labels[index % 10].encode(),
            features.FILENAME: f"{index}.png".encode(),
            features.SHA256: f"{index:064x}".encode(),
            features.MEAN: [0.0, 255.0][index % 2],
            features.STDDEV: [0.0, 127.5][index % 2],
            features.NUM_BYTES: 1 + index,
        }
        for index in range(20)
    ]
    return pandas.DataFrame(rows)


def anomalies(dataset: str, frame: pandas.DataFrame) -> dict[str, str]:
    schema = schema_of(dataset)
    statistics = tfdv.generate_statistics_from_dataframe(frame, tfdv.StatsOptions(schema=schema), n_jobs=1)
    found = tfdv.validate_statistics(statistics, schema)
    assert not found.HasField("dataset_anomaly_info")
    return {name: info.description for name, info in found.anomaly_info.items()}


@pytest.fixture(params=sorted(SIZES))
def dataset(request: pytest.FixtureRequest) -> str:
    """Each embedded data set."""
    return str(request.param)


def test_the_schema_names_every_feature(dataset: str) -> None:
    """A curated schema describes the canonical features, all of them and no other, each required but the file name."""
    schema = schema_of(dataset)
    assert sorted(feature.name for feature in schema.feature) == sorted(examples(dataset).columns)
    for feature in schema.feature:
        is_required = feature.presence.min_fraction == 1 and feature.HasField("shape") and not feature.shape.dim
        assert is_required == (feature.name not in OPTIONAL), feature.name


def test_the_labels_are_those_of_the_experiment(dataset: str) -> None:
    """The names of the classes stand in the schema in the order of their index."""
    (labels,) = (domain.value for domain in schema_of(dataset).string_domain if domain.name == "labels")
    assert tuple(labels) == labels_of(dataset)


def test_conforming_examples_pass(dataset: str) -> None:
    """Canonical examples have no anomaly, also without file names and at the limits of the pixel facts."""
    assert anomalies(dataset, examples(dataset)) == {}
    assert anomalies(dataset, examples(dataset).drop(columns=[features.FILENAME])) == {}


@pytest.mark.parametrize(
    ("feature", "value", "message"),
    [
        (features.LABEL, 97, "97"),
        (features.LABEL, -1, "-1"),
        (features.LABEL_TEXT, b"Cravat", "Cravat"),
        (features.FORMAT, b"JPEG", "JPEG"),
        (features.HEIGHT, 29, "29"),
        (features.WIDTH, 7, "7"),
        (features.CHANNELS, 3, "3"),
        (features.MEAN, 255.5, "255.5"),
        (features.STDDEV, 128.0, "128"),
        (features.NUM_BYTES, 0, "0"),
        (features.ENCODED, None, "minimum fraction = 1.000000, actual = 0.950000"),
        (features.SHA256, None, "minimum fraction = 1.000000, actual = 0.950000"),
    ],
)
def test_one_wrong_value_is_an_anomaly(feature: str, value: object, message: str, dataset: str) -> None:
    """A single example out of twenty with a wrong or a missing value is found, by feature and value."""
    frame = examples(dataset).astype({feature: object})
    frame.at[3, feature] = value
    found = anomalies(dataset, frame)
    assert found.keys() == {feature}
    assert message in found[feature]


def test_a_dropped_and_a_new_feature_are_anomalies(dataset: str) -> None:
    """A feature that is missing everywhere, or that the schema does not know, is found."""
    assert anomalies(dataset, examples(dataset).drop(columns=[features.ENCODED])).keys() == {features.ENCODED}
    assert anomalies(dataset, examples(dataset).assign(extra=1)).keys() == {"extra"}
