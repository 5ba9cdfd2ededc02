"""Knows a run that would come wholly from the cache before it begins, without TensorFlow, TFX or ML Metadata.

The last complete run leaves in its record what its answer depends on. While all of that is as it was, another run has
the same answer: every choice of an earlier artifact (baseline, warm start, last data) leaves out what the run before it
has made. Whatever is in doubt means a full run.
"""

from __future__ import annotations

import hashlib
import os
import platform
import sysconfig
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.errors import StageError
from components.image_example_gen.survey import survey
from components.pusher.publication import Standing, standing_of
from components.pusher.serving_directory import open_directory
from pipeline.failures import describe
from pipeline.nodes import LOADING
from pipeline.paths import Paths
from pipeline.progress import Progress
from pipeline.record import CACHED, PUSHED, UNCHANGED, NodeRecord, RunRecord, read_record
from schemas.experiment import Experiment
from schemas.listing import is_remote
from schemas.model import WeightsFrom

if TYPE_CHECKING:
    from tfx.types import Artifact

_ROOT = Path(__file__).resolve().parent.parent
_CODE = ("components", "schemas", "pipeline")


def conditions_of(experiment: Experiment, paths: Paths) -> str | None:
    """Digest of all that a run starts with but its data: experiment, files that it names, code, libraries, place.

    Args:
      experiment: validated.
      paths: where its results go.

    Returns:
      SHA-256 as 64 hexadecimal digits; None where something cannot be told beforehand, such as what another experiment
      has left, or the content of a remote file.
    """
    weights = experiment.model.weights
    named = [experiment.schema_.file, experiment.gate.serving_statistics]
    if isinstance(weights, WeightsFrom):
        if weights.experiment not in (None, experiment.name):
            return None
        named.append(weights.file)
    files = [Path(file) for file in named if file is not None]
    if any(is_remote(str(file)) for file in files):
        return None
    digest = hashlib.sha256()
    for fact in (experiment.digest(), paths.root.absolute(), platform.python_version(), *_libraries()):
        digest.update(f"{fact}\0".encode())
    try:
        for file in (*_sources(), *files):
            digest.update(f"{file}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
    except OSError:
        return None
    return digest.hexdigest()


def basis_of(record: RunRecord, paths: Paths, outputs: Mapping[str, Sequence[Artifact]]) -> dict[str, Any] | None:
    """What later runs, and a scheduler, need to know of this one; None where it did not come to a complete answer.

    With it alone another run has not the same answer yet: `conditions` must be known, and the same, too.

    Args:
      record: of a run that has ended.
      paths: where its results went.
      outputs: the artifacts of all nodes by name.
    """
    from tfx.utils import path_utils

    from components.lineage import INPUT_FINGERPRINT

    # Data that was accepted is accepted for one run alone.
    if record.status not in (PUSHED, UNCHANGED) or record.accepted:
        return None
    if "examples" not in outputs or "model" not in outputs:
        return None
    [examples], [model] = outputs["examples"], outputs["model"]
    return {
        "fingerprint": examples.get_string_custom_property(INPUT_FINGERPRINT),
        "span": examples.span,
        "version": examples.version,
        "artifacts": {name: [artifact.uri for artifact in artifacts] for name, artifacts in outputs.items()},
        "servable": path_utils.serving_model_path(model.uri),
        "metadata": _stamp(paths.metadata),
        "warnings": list(record.warnings),
    }


def run_with_nothing_new(
    experiment: Experiment, paths: Paths, progress: Progress, run_id: str, arguments: Sequence[str] = ()
) -> RunRecord | None:
    """A run's record, written, where the run would only have found everything in the cache.

    Args:
      experiment: validated.
      paths: where its results go; prepared.
      progress: is told of the nodes.
      run_id: of this run.
      arguments: with which other commands find the experiment and its workspace.

    Returns:
      None where there is, or may be, something to do.
    """
    began = time.monotonic()
    last = _newest(paths.runs)
    standing = None if last is None else _standing(last, experiment, paths)
    if last is None or last.basis is None or standing is None or standing.is_new:
        return None
    progress.plan(list(last.nodes))
    progress.end(LOADING, "done", time.monotonic() - began)
    for node in last.nodes:
        progress.end(node, CACHED, 0.0)
    record = replace(
        last,
        run_id=run_id,
        arguments=list(arguments),
        started=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        status=UNCHANGED,
        nodes={node: NodeRecord(CACHED, 0.0) for node in last.nodes},
        message=standing.describe(),
        warnings=last.basis["warnings"],
        pushed_version=None,
        repeats=last.repeats or last.run_id,
        seconds=round(time.monotonic() - began, 1),
    )
    try:
        record.write(paths.runs)
    except OSError as error:
        record.warn(describe("the run's record", error))
    return record


def _newest(runs: Path) -> RunRecord | None:
    """The record of the newest run, complete or not; None where it cannot be read."""
    names = sorted(entry.name for entry in os.scandir(runs) if entry.is_dir())
    return read_record(runs, names[-1]) if names else None


def _standing(last: RunRecord, experiment: Experiment, paths: Paths) -> Standing | None:
    """How the last run's model stands where it was pushed; None where something else has changed, or may have."""
    basis = last.basis
    if basis is None or not last.metrics:
        return None
    if last.conditions is None or last.conditions != conditions_of(experiment, paths):
        return None
    artifacts = [uri for uris in basis["artifacts"].values() for uri in uris]
    kept = [basis["servable"], last.report, last.sample, *artifacts]
    if basis["metadata"] is None or basis["metadata"] != _stamp(paths.metadata) or not _are_there(kept):
        return None
    try:
        if survey(experiment.data, paths.source(experiment)).fingerprint != basis["fingerprint"]:
            return None
        return standing_of(Path(basis["servable"]), open_directory(paths.published(experiment)))
    except (OSError, StageError):
        # The run itself says what is wrong.
        return None


def _are_there(places: Sequence[str | None]) -> bool:
    return all(place is not None and os.path.exists(place) for place in places)


def _stamp(file: Path) -> list[int] | None:
    """Size and time of the last change: any other execution or artifact changes them."""
    try:
        found = file.stat()
    except OSError:
        return None
    return [found.st_size, found.st_mtime_ns]


def _sources() -> Iterator[Path]:
    for package in _CODE:
        yield from sorted((_ROOT / package).rglob("*.py"))


def _libraries() -> Iterator[str]:
    """Names and versions of all that is installed."""
    for place in sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}):
        if os.path.isdir(place):
            yield from sorted(entry.name for entry in os.scandir(place) if entry.name.endswith(".dist-info"))
