"""What the commands have in common: their options, how they load an experiment, how they end."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

if TYPE_CHECKING:
    from pipeline.paths import Paths
    from pipeline.workspace_lock import Holder
    from schemas.experiment import Experiment

Command = TypeVar("Command", bound=Callable[..., Any])

USAGE = 2


def experiment_options(command: Command) -> Command:
    """The argument and the options that every command takes."""
    for decorate in (
        click.argument("experiment"),
        click.option("--set", "overrides", metavar="K=V", multiple=True, help="Override a key, as training.epochs=3."),
        click.option(
            "--workspace",
            metavar="DIR",
            type=click.Path(path_type=Path),
            default=Path("workspace"),
            show_default=True,
            help="Where results are kept.",
        ),
    ):
        command = decorate(command)
    return command


json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object as the last line.")
wait_option = click.option(
    "--wait",
    metavar="SECONDS",
    type=click.FloatRange(min=0),
    default=0.0,
    help="For another that uses the workspace. Default: not at all.",
)


def load(
    experiment: str, overrides: tuple[str, ...], workspace: Path, as_json: bool, require_places: bool = True
) -> tuple[Experiment, Paths]:
    """Loads an experiment, or ends the process with all its errors."""
    from pipeline.paths import Paths
    from pipeline.record import INVALID, not_started
    from schemas.loading import load_experiment
    from schemas.problems import ExperimentError

    try:
        loaded = load_experiment(experiment, overrides, require_places=require_places)
    except ExperimentError as error:
        errors = [str(problem) for problem in error.problems]
        end(str(error), USAGE, not_started(INVALID, errors) if as_json else None)
    return loaded, Paths(workspace.absolute(), loaded.name)


@contextmanager
def locked(paths: Paths, command: str, wait: float, as_json: bool, *, starts_run: bool = False) -> Iterator[Holder]:
    """Makes the workspace and keeps others out of it, or ends the process: it cannot be used, or is in use."""
    from pipeline.paths import WorkspaceError
    from pipeline.record import FAILED, not_started
    from pipeline.workspace_lock import workspace_lock

    try:
        paths.prepare()
        with workspace_lock(paths, command, wait, starts_run=starts_run) as holder:
            yield holder
    except WorkspaceError as refusal:
        end(str(refusal), 1, not_started(FAILED, [str(refusal)]) if as_json else None)


def arguments_of(experiment: str, workspace: Path) -> list[str]:
    """With which another command finds an experiment and its workspace, from any directory."""
    is_path = "/" in experiment or Path(experiment).suffix
    options = [] if workspace == Path("workspace") else ["--workspace", str(workspace.absolute())]
    return [str(Path(experiment).absolute()) if is_path else experiment, *options]


def on_one_line(text: str, longest: int) -> str:
    """A text without its line breaks, cut where it is longer."""
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[:longest]} ..."


def end(message: str, exit_status: int, last_line: dict[str, Any] | None = None) -> NoReturn:
    """Says why the process ends, and ends it; `last_line` is for programs."""
    click.echo(message, err=True)
    if last_line is not None:
        click.echo(json.dumps(last_line))
    sys.exit(exit_status)
