"""The command `gc`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from pipeline.command import end, experiment_options, json_option, load, locked, wait_option


@click.command()
@experiment_options
@click.option(
    "--keep",
    metavar="N",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    help="How many of the newest runs are kept whole.",
)
@click.option("--delete", is_flag=True, help="Remove what is shown; without it nothing is.")
@wait_option
@json_option
def gc(
    experiment: str,
    overrides: tuple[str, ...],
    workspace: Path,
    keep: int,
    delete: bool,
    wait: float,
    as_json: bool,
) -> None:
    """Show what no kept run or model needs; --delete removes it.

    Served versions stay, the last blessed models, and what the next run needs: its cache, its baseline, its champion.
    Exit status: 0 done; 1 a run is under way, or not all could be removed; 2 the experiment is wrong.
    """
    loaded, paths = load(experiment, overrides, workspace, as_json, require_places=False)
    from schemas.problems import shown_path

    if not paths.metadata.exists():
        nothing = {"status": "found", "bytes": 0, "removed": {}, "kept": {}, "paths": [], "failures": []}
        message = f"{loaded.name} has not run yet in {shown_path(paths.root)}"
        if any(paths.runs.glob("*")):
            message = (
                f"{shown_path(paths.root)} has no ML Metadata of its own, as on Kubeflow, where a database has it; gc"
                " does not ask that, and cannot tell what is needed: nothing is removed"
            )
        end(message, 0, nothing if as_json else None)
    from components.errors import StageError
    from pipeline.garbage.collection import collect
    from pipeline.garbage.table import print_collection

    with locked(paths, f"gc {experiment}", wait, as_json):
        try:
            collection = collect(loaded, paths, keep, delete)
        except (StageError, OSError) as error:
            end(str(error), 1, {"status": "failed", "message": str(error)} if as_json else None)
    if as_json:
        click.echo(json.dumps(collection.to_json()))
    else:
        print_collection(collection)
    if collection.failures:
        end("\n".join(collection.failures), 1)
