"""`local_runner.py schedule`: retrains an experiment by itself, in the foreground."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.command import end, experiment_options, load

if TYPE_CHECKING:
    from schemas.retraining import Retraining


@click.command()
@experiment_options
def schedule(experiment: str, overrides: tuple[str, ...], workspace: Path) -> None:
    """Run an experiment again by time, on new data, or both.

    The experiment's section retraining says when. Stays in the foreground, for a terminal, systemd or a
    container; SIGTERM or Ctrl-C end it after the stage at work, twice at once. Exit status: 0 ended so;
    1 another scheduler is at work, or the workspace cannot be written to; 2 the experiment is wrong.
    """
    loaded, paths = load(experiment, overrides, workspace, as_json=False, require_places=False)
    from filelock import FileLock, Timeout

    from pipeline.paths import WorkspaceError
    from pipeline.retraining.scheduler import Scheduler
    from pipeline.retraining.state import read_state, state_file

    try:
        paths.prepare()
    except WorkspaceError as refusal:
        end(str(refusal), 1)
    given = [argument for override in overrides for argument in ("--set", override)]
    scheduler = Scheduler(loaded, paths, [experiment, "--workspace", str(workspace.absolute()), *given], _tell)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: scheduler.ask_to_end())
    lock = FileLock(paths.root / ".scheduler.lock", fallback_to_soft=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        state = read_state(paths)
        process = state.process if state else None
        known = f" (process {process.process} of {process.user})" if process else ""
        end(f"another scheduler{known} is at work for {loaded.name} in {workspace}; end it first", 1)
    except OSError as error:
        end(_unusable(Path(lock.lock_file), "locked", error), 1)
    try:
        _tell(f"scheduler of {loaded.name}: {', '.join(_triggers(loaded.retraining))}")
        scheduler.serve()
        _tell("ended")
    except OSError as error:
        end(_unusable(state_file(paths), "written", error), 1)
    finally:
        lock.release()


def _unusable(file: Path, done: str, error: OSError) -> str:
    from schemas.problems import shown_path

    return (
        f"{shown_path(file)} cannot be {done}: {error.strerror or error}; free some space, change its permissions, or"
        " give a workspace on another file system with --workspace DIR"
    )


def _triggers(retraining: Retraining) -> Iterator[str]:
    if retraining.cron is not None:
        yield f"at {retraining.cron} ({retraining.timezone})"
    if retraining.on_new_data:
        yield f"on new data, looked for every {retraining.poll_seconds:g} s"
    if retraining.on_drift:
        yield "on drift of what is served"


def _tell(text: str) -> None:
    click.echo(f"{datetime.now(timezone.utc):%Y-%m-%d %H:%M:%S} UTC  {text}")
