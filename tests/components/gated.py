"""The stages up to the data gate, run over sources that a test writes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tfx.dsl.components.base.base_node import BaseNode

from components.data_gate.baseline import last_data_resolver
from components.data_gate.component import DataGate
from components.data_gate.verdict import Finding, Verdict
from components.image_example_gen.component import ImageExampleGen
from components.schema_gen.component import image_schema
from components.statistics_gen.component import image_statistics
from schemas import features
from schemas.data import Data
from schemas.gate import Gate, Schema
from tests.components.images import Pixels, Values, noise, png, serialized, write_tfrecord
from tests.components.stages import Stages

CLASSES = ("cat", "dog")


def example(index: int, pixels: Pixels | None = None, label: int | None = None, text: str | None = None) -> bytes:
    """A serialized example, cat or dog in turn, whose image no other index has."""
    label = index % len(CLASSES) if label is None else label
    values: Values = {
        features.ENCODED: png(noise(4, 4, 1, index) if pixels is None else pixels),
        features.LABEL: label,
        features.LABEL_TEXT: (text or dict(enumerate(CLASSES)).get(label, str(label))).encode(),
    }
    return serialized(values)


class Gated:
    """A pipeline up to the gate, below a directory; its runs share artifacts, cache and what passed before."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.stages = Stages(root / "stages")

    def write(self, source: str, **files: Iterable[bytes]) -> Path:
        """Writes TFRecord files into a source."""
        for name, payloads in files.items():
            write_tfrecord(self.root / source / name, payloads)
        return self.root / source

    def judge(
        self, source: str, gate: Gate | None = None, schema: str | None = None, **data: Any
    ) -> tuple[Verdict, dict[str, str]]:
        """The verdict on a source, and which of the stages were executed and which cached.

        Args:
          source: its name below the root.
          gate: as it stands in an experiment.
          schema: in text; None has one inferred.
          data: other keys of the experiment's section.
        """
        section = Data.model_validate({"source": str(self.root / source), "splits": {"eval": 0.2, "test": 0.2}, **data})
        file = None
        if schema is not None:
            file = self.root / "schema.pbtxt"
            file.write_text(schema)
        self.stages.states.clear()
        self.stages.run(self._declare(section, gate or Gate(), Schema(file=str(file) if file else None)))
        artifact = self.stages.outputs["DataGate"]["verdict"]
        verdict = Verdict.from_json((Path(artifact.uri) / "verdict.json").read_text())
        assert artifact.passed == int(verdict.passed)
        return verdict, dict(self.stages.states)

    def _declare(self, data: Data, gate: Gate, schema: Schema) -> list[BaseNode]:
        ingestion = ImageExampleGen(data, str(data.source), str(self.root / "quarantine"))
        examples = ingestion.outputs["examples"]
        statistics = image_statistics(examples)
        described = image_schema(schema, statistics.outputs["statistics"])
        last_data = last_data_resolver(statistics.outputs["statistics"])
        stage = DataGate(
            data,
            gate,
            examples,
            statistics.outputs["statistics"],
            described.outputs["schema"],
            last_data.outputs["statistics"],
        )
        return [ingestion, statistics, described, last_data, stage]


def found(verdict: Verdict, check: str) -> list[Finding]:
    """What one check has to say."""
    return [finding for finding in verdict.findings if finding.check == check]
