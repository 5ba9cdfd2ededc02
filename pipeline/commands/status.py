"""`local_runner.py status`: what an experiment has done, what is live, and what comes next."""

from __future__ import annotations

import json
from pathlib import Path

import click

from pipeline.command import end, experiment_options, json_option, load


@click.command()
@experiment_options
@json_option
def status(experiment: str, overrides: tuple[str, ...], workspace: Path, as_json: bool) -> None:
    """Show runs, nodes, versions, the champion and the scheduler."""
    loaded, paths = load(experiment, overrides, workspace, as_json, require_places=False)
    from components.errors import StageError
    from pipeline.champion import champion_object, describe_champion
    from pipeline.presentation import print_status, status_object
    from pipeline.record import read_records
    from pipeline.retraining.standing import describe_scheduler, scheduler_object
    from pipeline.versions import serving_of

    try:
        serving, records = serving_of(loaded, paths), read_records(paths.runs)
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
