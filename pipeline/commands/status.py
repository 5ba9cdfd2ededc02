"""`local_runner.py status`: what an experiment has done, what is live, and what comes next."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.command import end, experiment_options, json_option, load

if TYPE_CHECKING:
    from pipeline.paths import Paths
    from pipeline.record import RunRecord


@click.command()
@experiment_options
@json_option
def status(experiment: str, overrides: tuple[str, ...], workspace: Path, as_json: bool) -> None:
    """Show runs, nodes, versions, the champion and the scheduler."""
    loaded, paths = load(experiment, overrides, workspace, as_json, require_places=False)
    from components.errors import StageError
    from pipeline.champion import champion_object, describe_champion
    from pipeline.presentation import print_status, status_object
    from pipeline.retraining.standing import describe_scheduler, scheduler_object
    from pipeline.versions import serving_of

    try:
        serving, records = serving_of(loaded, paths), _as_they_are(paths)
        if as_json:
            others = {"champion": champion_object(records), "scheduler": scheduler_object(loaded, paths)}
            click.echo(json.dumps({**status_object(records, serving), **others}))
        else:
            remarks = [
                *describe_champion(records, loaded.evaluation.champion_metric),
                *describe_scheduler(loaded, paths),
            ]
            print_status(paths, records, serving, remarks)
    except StageError as error:
        end(str(error), 1, {"status": "failed", "message": str(error)} if as_json else None)


def _as_they_are(paths: Paths) -> list[RunRecord]:
    """The records of all runs; of one whose process died, what the next run will write."""
    from pipeline.record import RUNNING, read_records
    from pipeline.workspace_lock import holder_of

    is_held = holder_of(paths) is not None
    records = read_records(paths.runs)
    if not is_held and holder_of(paths) is None:
        for record in records:
            # On Kubeflow nobody holds the lock.
            if record.status == RUNNING and record.image is None:
                record.cut_off()
    return records
