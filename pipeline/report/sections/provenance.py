"""What the run was made of: the experiment as resolved, digests, packages, lineage."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from pipeline.report.content import Block, Folded, Row, Section, Table, Values
from pipeline.report.material import Material
from schemas.loading import resolved_yaml

_PACKAGES = (
    "tensorflow",
    "keras",
    "tfx",
    "tensorflow-transform",
    "tensorflow-data-validation",
    "tensorflow-model-analysis",
    "ml-metadata",
    "apache-beam",
    "keras-tuner",
    "numpy",
    "pyarrow",
)


def provenance(material: Material) -> Section:
    """Enough to make the same model again, and to find each file that went into it."""
    blocks: list[Block] = [
        Values(list(_values(material))),
        Folded("The experiment as resolved", resolved_yaml(material.experiment)),
    ]
    return Section("Provenance", [*blocks, *_lineage(material)])


def _values(material: Material) -> Iterator[tuple[str, str]]:
    record = material.record
    yield "run", record.run_id
    yield "experiment", f"{record.experiment}, digest {record.digest}"
    yield "started", record.started
    yield "workspace", str(material.paths.root)
    if record.serving_directory:
        yield "serving directory", record.serving_directory
    yield "machine", f"Python {platform.python_version()}, {platform.platform()}"
    yield "packages", ", ".join(f"{name} {metadata.version(name)}" for name in _PACKAGES)


def _lineage(material: Material) -> Iterator[Table]:
    if not material.origins:
        return
    rows: list[Row] = [
        [
            f"{origin.type_name} {origin.artifact}",
            f"{origin.node} {origin.execution}",
            f"{origin.when:%Y-%m-%d %H:%M:%S}",
            ", ".join(f"{name} {' '.join(map(str, ids))}" for name, ids in origin.inputs.items()),
            _relative(origin.uri, material.paths.root),
        ]
        for origin in sorted(material.origins, key=lambda origin: origin.execution)
    ]
    caption = "Lineage, by the ids of ML Metadata; places are below the workspace's directory of this experiment."
    yield Table(("artifact", "made by", "when (UTC)", "from", "place"), rows, caption, num_texts=5)


def _relative(uri: str, root: Path) -> str:
    return str(Path(uri).relative_to(root)) if Path(uri).is_relative_to(root) else uri
