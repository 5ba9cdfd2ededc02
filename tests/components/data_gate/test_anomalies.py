from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas
import pyarrow as pa
import pytest
import tensorflow_data_validation as tfdv
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from components.data_gate.anomalies import find_anomalies, gate_schema
from components.image_example_gen.facts import INDEX, SOURCE, SPLIT, write_facts
from components.image_example_gen.facts import SCHEMA as FACTS
from schemas import features
from tests.components.images import Values

SCHEMA = """
feature { name: "image/encoded" type: BYTES presence { min_fraction: 1.0 min_count: 1 } }
feature { name: "image/sha256" type: BYTES presence { min_fraction: 1.0 min_count: 1 } }
feature { name: "image/filename" type: BYTES presence { min_fraction: 1.0 min_count: 1 } }
feature { name: "image/class/label" type: INT presence { min_fraction: 1.0 min_count: 1 } }
feature { name: "image/class/text" type: BYTES domain: "names" presence { min_fraction: 1.0 min_count: 1 } }
feature { name: "image/format" type: BYTES string_domain { value: "JPEG" value: "PNG" } }
feature { name: "image/height" type: INT int_domain { min: 32 max: 4096 } }
feature { name: "image/mean" type: FLOAT float_domain { max: 255 } }
string_domain { name: "names" value: "cat" value: "dog" }
"""
GOOD: Values = {
    features.LABEL: 1,
    features.LABEL_TEXT: b"dog",
    features.FORMAT: b"PNG",
    features.HEIGHT: 32,
    features.MEAN: 255.0,
}


def schema(text: str = SCHEMA, num_labels: int = 2) -> schema_pb2.Schema:
    return gate_schema(text_format.Parse(text, schema_pb2.Schema()), num_labels)


def anomalies(rows: Sequence[Values], directory: Path, against: schema_pb2.Schema | None = None) -> dict[str, str]:
    """What is found in the split train, whose examples are records 0, 1 and so on of two files."""
    half = len(rows) // 2
    (directory / "facts").mkdir(parents=True, exist_ok=True)
    for name, part in (("a", rows[:half]), ("b", rows[half:])):
        # Another split's example, wrong in everything, which must not be taken for this one's.
        other = {**dict.fromkeys(GOOD), SPLIT: "eval", SOURCE: name, INDEX: -1}
        table: list[dict[str, Any]] = [
            other,
            *({**row, SPLIT: "train", SOURCE: name, INDEX: index} for index, row in enumerate(part)),
        ]
        columns = {name: [row.get(name) for row in table] for name in FACTS.names}
        with (directory / "facts" / f"{name}.parquet").open("wb") as file:
            write_facts(pa.Table.from_pydict(columns, schema=FACTS), file)
    statistics = tfdv.generate_statistics_from_dataframe(pandas.DataFrame(rows), n_jobs=1)
    return dict(find_anomalies(statistics, against or schema(), str(directory), "train"))


def test_conforming_examples_have_no_anomaly(tmp_path: Path) -> None:
    """Nothing is found in examples at the limits, though no statistics are made of bytes, digest and file name."""
    assert anomalies([GOOD, {**GOOD, features.HEIGHT: 4096, features.FORMAT: b"JPEG"}] * 2, tmp_path) == {}


@pytest.mark.parametrize(
    ("feature", "value", "shown"),
    [
        (features.LABEL, 7, "7"),
        (features.LABEL, -1, "-1"),
        (features.LABEL_TEXT, b"emu", "emu"),
        (features.FORMAT, b"GIF", "GIF"),
        (features.HEIGHT, 31, "31"),
        (features.HEIGHT, 4097, "4097"),
        (features.MEAN, 255.5, "255.5"),
    ],
)
def test_a_wrong_value_is_named_with_its_first_example(
    feature: str, value: int | bytes, shown: str, tmp_path: Path
) -> None:
    """Of a value outside its domain, feature, value and place of the first such images are told, no other."""
    rows = [{**GOOD, feature: value} if index in (3, 5) else GOOD for index in range(8)]
    found = anomalies(rows, tmp_path)
    assert found.keys() == {feature}
    assert found[feature].endswith(f" First: {shown} in a, record 3; {shown} in b, record 1.")
    assert found[feature].count(shown) > 2


def test_a_few_offenders_are_enough(tmp_path: Path) -> None:
    """However many examples deviate, the first five are named."""
    found = anomalies([{**GOOD, features.LABEL: 10 + index} for index in range(12)], tmp_path)
    places = "; ".join(f"{10 + index} in a, record {index}" for index in range(5))
    assert found[features.LABEL].endswith(f" First: {places}.")


def test_a_missing_feature_is_named(tmp_path: Path) -> None:
    """A feature that no example has, or one that the schema does not know, is an anomaly of its own."""
    colour = 'feature { name: "image/colour" type: BYTES string_domain { value: "red" } presence { min_count: 1 } }'
    found = anomalies([{**GOOD, "extra": 1}] * 4, tmp_path, schema(SCHEMA + colour))
    assert found.keys() == {"image/colour", "extra"}
    assert "missing" in found["image/colour"]
    assert "First" not in found["image/colour"]


def test_labels_go_from_0_to_the_last_class(tmp_path: Path) -> None:
    """Whatever domain the schema states or leaves open, no label is below 0 or above the last class."""
    rows = [{**GOOD, features.LABEL: index} for index in range(4)]
    assert anomalies(rows, tmp_path, schema(num_labels=4)) == {}
    assert anomalies(rows, tmp_path, schema(num_labels=3)).keys() == {features.LABEL}
    for stated, num_labels, is_found in (
        ("min: 0 max: 3", 4, False),
        ("min: 0 max: 3", 2, True),
        ("min: 0 max: 2", 4, True),
        ("min: 1", 4, True),
        ("max: 9", 4, False),
    ):
        text = SCHEMA.replace('label" type: INT', f'label" type: INT int_domain {{ {stated} }}')
        assert bool(anomalies(rows, tmp_path, schema(text, num_labels))) == is_found, (stated, num_labels)
    open_below = SCHEMA.replace('label" type: INT', 'label" type: INT int_domain { min: -5 max: 3 }')
    assert anomalies([{**GOOD, features.LABEL: -1}, *rows], tmp_path, schema(open_below, 4)).keys() == {features.LABEL}


def test_the_schema_itself_is_left_as_it_is() -> None:
    """What the gate leaves out or completes is in its own copy."""
    original = text_format.Parse(SCHEMA, schema_pb2.Schema())
    before = original.SerializeToString()
    assert gate_schema(original, 2) != original
    assert original.SerializeToString() == before
