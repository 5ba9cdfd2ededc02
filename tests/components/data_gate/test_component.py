from __future__ import annotations

from pathlib import Path

import pytest
from tfx import types
from tfx.types import standard_artifacts

from components.code_digest import code_digest
from components.data_gate.artifact import DataVerdict
from components.data_gate.component import DataGate
from components.errors import DataError
from schemas.data import Data
from schemas.gate import Gate

DATA = Data(source="here", labels=("a", "b"))


def stage(gate: Gate) -> DataGate:
    """The stage over channels that nothing has filled yet."""
    kinds = (
        standard_artifacts.Examples,
        standard_artifacts.ExampleStatistics,
        standard_artifacts.Schema,
        standard_artifacts.ExampleStatistics,
    )
    return DataGate(DATA, gate, *(types.Channel(type=kind) for kind in kinds))


def test_what_decides_the_verdict_decides_the_cache() -> None:
    """Both sections and the code are parameters: a change of one judges the data anew."""
    gate = Gate(anomalies="warn")
    made = stage(gate)
    assert Data.model_validate_json(made.exec_properties["data"]) == DATA
    assert Gate.model_validate_json(made.exec_properties["gate"]) == gate
    assert made.exec_properties["code_digest"] == code_digest("data_gate")
    assert made.outputs["verdict"].type is DataVerdict


def test_changed_serving_statistics_are_read_again(tmp_path: Path) -> None:
    """The file's content is a parameter of the stage, so that the cache never answers for an older one."""
    file = tmp_path / "served.pb"
    digests = []
    for content in (b"one", b"another", b"one"):
        file.write_bytes(content)
        digests.append(stage(Gate(serving_statistics=str(file))).exec_properties["serving_digest"])
    assert digests[0] == digests[2] != digests[1]
    assert stage(Gate()).exec_properties["serving_digest"] == ""


def test_missing_serving_statistics_are_refused(tmp_path: Path) -> None:
    """Before anything runs, with the key and the path."""
    with pytest.raises(DataError, match=r"^gate\.serving_statistics: no such file: .*gone\.pb$"):
        stage(Gate(serving_statistics=str(tmp_path / "gone.pb")))
