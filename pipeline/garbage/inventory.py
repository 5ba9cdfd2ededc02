"""What lies in a workspace, and who needs it. Loads no TensorFlow."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from components.lineage import INGESTION_REPORT
from components.pusher import naming
from pipeline.garbage.item import (
    ARTIFACTS,
    CHECKPOINTS,
    LOGS,
    LOST,
    PUSHES,
    QUARANTINE,
    REPORTS,
    RUNS,
    TEMPORARY,
    Item,
    size_on_disk,
)
from pipeline.garbage.needs import Lineage, Needs
from pipeline.paths import Paths
from pipeline.record import FAILED, RECORD_NAME, RUNNING, RunRecord, read_records
from pipeline.report.places import INDEX, report_path

_KEPT = "kept runs"
_SERVED = "served versions"
_UNDER_WAY = "what a kept run may go on from"
_FINISHED = "finished"
_STARTED = "%Y%m%dT%H%M%S"
_LEFT_BY_PUSHES = (naming.STAGING, naming.REMOVED, naming.WRITING)


@dataclass(frozen=True)
class Runs:
    """The runs of an experiment, by what is kept of them."""

    kept: tuple[str, ...]
    """Ids, oldest first."""
    served: frozenset[str]
    """Ids of those that pushed a version that is still there; their records and reports are kept."""
    last: RunRecord | None
    """Of the newest one."""
    begin: float
    """When the first of the kept ones began, by the clock of then, in seconds since the epoch."""

    def reason(self, run_id: str) -> str | None:
        """Why something of a run is kept beyond its other files; None where it is not."""
        return _KEPT if run_id in self.kept else _SERVED if run_id in self.served else None


def runs_of(paths: Paths, keep: int, versions: Collection[int]) -> Runs:
    """The newest runs, however they ended, and those whose answers they repeat.

    Args:
      paths: of the experiment.
      keep: how many.
      versions: that are served, or were rolled back and are kept.
    """
    # Ids of runs start with their time.
    ids = sorted(path.name for path in paths.runs.iterdir() if path.is_dir()) if paths.runs.is_dir() else []
    records = read_records(paths.runs)
    served = frozenset(record.run_id for record in records if record.pushed_version in versions)
    repeated = {record.run_id: record.repeats for record in records if record.repeats}
    newest = ids[-keep:] if keep else []
    kept = {*newest, *(repeated[run_id] for run_id in newest if run_id in repeated)} & {*ids}
    stated = {record.run_id: record.started for record in records}
    # The clock may have been set back: then a run's id is later than its time.
    began = [_began(run_id, stated.get(run_id, "")) for run_id in kept]
    now = datetime.now(timezone.utc).timestamp()
    return Runs(tuple(sorted(kept)), served, records[-1] if records else None, min(began, default=now))


def take_inventory(paths: Paths, lineage: Lineage, needs: Needs, runs: Runs, serving: Path | None) -> list[Item]:
    """Lists everything that comes and goes with runs; the served versions are not among it.

    Args:
      paths: of the experiment.
      lineage: of its artifacts.
      needs: why artifacts are needed.
      runs: which are kept.
      serving: the serving directory, where it is a local one.
    """
    return [
        *_artifacts(paths, lineage, needs),
        *_temporary(paths),
        *_runs(paths, runs),
        *_reports(paths, runs),
        *_checkpoints(paths, runs),
        *_quarantine(paths, lineage, needs, runs),
        *_pushes(serving),
    ]


def _artifacts(paths: Paths, lineage: Lineage, needs: Needs) -> Iterator[Item]:
    # By the ends of their places: the workspace may have been moved, or be mounted elsewhere.
    live = {tuple(artifact.uri.rstrip("/").split("/")[-3:]): artifact.id for artifact in lineage.live}
    for path in sorted(paths.artifacts.glob("*/[!.]*/*")):
        artifact = live.pop(path.relative_to(paths.artifacts).parts, None)
        kind, reason = (LOST, None) if artifact is None else (ARTIFACTS, needs.get(artifact))
        yield Item(kind, path, size_on_disk(path), reason, artifact)
    for place, artifact in live.items():
        # Its directory is gone already, but TFX would still look for it.
        if artifact not in needs:
            yield Item(ARTIFACTS, paths.artifacts.joinpath(*place), 0, None, artifact)


def _temporary(paths: Paths) -> Iterator[Item]:
    for pattern in ("artifacts/*/.system/*/*", "reports/.*", "quarantine/.*"):
        for path in sorted(paths.root.glob(pattern)):
            yield Item(TEMPORARY, path, size_on_disk(path))


def _runs(paths: Paths, runs: Runs) -> Iterator[Item]:
    for directory in sorted(paths.runs.glob("*/")):
        reason = runs.reason(directory.name)
        if reason == _SERVED:
            for path in sorted(directory.iterdir()):
                is_record = path.name == RECORD_NAME
                yield Item(RUNS if is_record else LOGS, path, size_on_disk(path), reason if is_record else None)
        else:
            yield Item(RUNS, directory, size_on_disk(directory), reason)


def _reports(paths: Paths, runs: Runs) -> Iterator[Item]:
    for path in sorted(paths.reports.glob("[!.]*.html")):
        if path.name != INDEX:
            reason = runs.reason(path.stem) if path == report_path(paths, path.stem) else None
            yield Item(REPORTS, path, size_on_disk(path), reason)


def _checkpoints(paths: Paths, runs: Runs) -> Iterator[Item]:
    last_failed = runs.last is None or runs.last.status in (FAILED, RUNNING)
    for directory in sorted(paths.checkpoints.glob("*/")):
        # Of a training that has ended only where its run has not: the Trainer may have been killed after it.
        may_go_on = last_failed or not (directory / _FINISHED).exists()
        is_young = max(path.stat().st_mtime for path in (directory, *directory.iterdir())) >= runs.begin
        yield Item(CHECKPOINTS, directory, size_on_disk(directory), _UNDER_WAY if may_go_on and is_young else None)


def _quarantine(paths: Paths, lineage: Lineage, needs: Needs, runs: Runs) -> Iterator[Item]:
    told = "".join(
        path.read_text(errors="replace")
        for path in (
            *(paths.runs / run / RECORD_NAME for run in (*runs.kept, *runs.served)),
            *(Path(artifact.uri) / INGESTION_REPORT for artifact in lineage.live if artifact.id in needs),
        )
        if path.is_file()
    )
    for path in sorted(paths.quarantine.glob("[!.]*")):
        is_needed = path.stem in told or path.stat().st_mtime >= runs.begin
        yield Item(QUARANTINE, path, size_on_disk(path), _KEPT if is_needed else None)


def _pushes(serving: Path | None) -> Iterator[Item]:
    for path in sorted(serving.iterdir()) if serving is not None and serving.is_dir() else ():
        if path.name.startswith(_LEFT_BY_PUSHES):
            yield Item(PUSHES, path, size_on_disk(path))


def _began(run_id: str, stated: str) -> float:
    try:
        return datetime.fromisoformat(stated).timestamp()
    except ValueError:
        # Without a record that can be read.
        pass
    try:
        started = datetime.strptime(run_id.partition("-")[0], _STARTED)
    except ValueError:
        # Nobody's but a person's; then everything counts as young.
        return 0.0
    return started.replace(tzinfo=timezone.utc).timestamp()
