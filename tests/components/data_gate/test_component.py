from __future__ import annotations

from tfx import types
from tfx.types import standard_artifacts

from components.code_digest import code_digest
from components.data_gate.artifact import DataVerdict
from components.data_gate.component import DataGate
from schemas.experiment import Data, Gate


def test_what_decides_the_verdict_decides_the_cache() -> None:
    """Both sections and the code are parameters: a change of one judges the data anew."""
    channels = [
        types.Channel(type=kind)
        for kind in (standard_artifacts.Examples, standard_artifacts.ExampleStatistics, standard_artifacts.Schema)
    ]
    data, gate = Data(source="here", labels=("a", "b")), Gate(anomalies="warn")
    stage = DataGate(data, gate, *channels)
    assert Data.model_validate_json(stage.exec_properties["data"]) == data
    assert Gate.model_validate_json(stage.exec_properties["gate"]) == gate
    assert stage.exec_properties["code_digest"] == code_digest("data_gate")
    assert stage.outputs["verdict"].type is DataVerdict
