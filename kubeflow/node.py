"""What a task of the compiled pipeline runs: `python -m kubeflow.node`, a few nodes of a run, or its report."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from components.leaving import leaving_promptly
from pipeline.command import USAGE, end, on_one_line
from pipeline.record import INVALID, RUNNING, UNCHANGED, RunRecord
from schemas.kubeflow import IMAGE_VARIABLE, METADATA_VARIABLE

if TYPE_CHECKING:
    from pipeline.paths import Paths
    from pipeline.run import Run
    from schemas.experiment import Experiment

_INGESTION = "ImageExampleGen"
_LONGEST_REASON = 1000
_LOG_LINES = 40


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--experiment", "text", metavar="TEXT", required=True, help="The experiment itself, as JSON or YAML.")
@click.option("--root", metavar="PLACE", required=True, help="Workspace of all tasks: a path, or gs:// or s3://.")
@click.option("--run-id", metavar="ID", required=True, help="Of the run; the same for all its tasks and attempts.")
@click.option("--nodes", metavar="A,B,C", default="", help="What to work on, in this order.")
@click.option(
    "--report", "page", metavar="FILE", type=click.Path(path_type=Path), help="End the run instead, and report to FILE."
)
@click.option("--executor-input", metavar="JSON", default="", help="What the launcher gave to the report's task.")
@click.option("--settings", metavar="JSON", default="[]", help="A list of overrides, as training.epochs=3.")
@click.option("--data-source", metavar="PATH", default="", help="Override of data.source.")
@click.option("--last-span", metavar="NUMBER", default="", help="Override of data.spans.last.")
@click.option("--accept-data", metavar="REASON", default="", help="Let the run go on against the data gate.")
@click.option("--force-bless", metavar="REASON", default="", help="Push the model also if it is not blessed.")
def main(
    text: str,
    root: str,
    run_id: str,
    nodes: str,
    page: Path | None,
    executor_input: str,
    settings: str,
    data_source: str,
    last_span: str,
    accept_data: str,
    force_bless: str,
) -> None:
    """Work on a part of a run, as Kubeflow Pipelines asks for.

    DARKROOM_METADATA names the database of ML Metadata, as mysql://USER:PASSWORD@HOST:3306/DATABASE or
    postgresql://... Exit status: 0 done; 1 failed; 2 the experiment is wrong; 3 stopped by the data gate; 4 the model
    is not blessed, or refused by the canary. The reason is the last line of the log.
    """
    from kubeflow.embedding import from_text
    from schemas.problems import ExperimentError

    try:
        experiment = from_text(text, _overrides(settings, data_source, last_span), require_places=False)
    except ExperimentError as error:
        end(f"{error}\n{INVALID}: {on_one_line(str(error), _LONGEST_REASON)}", USAGE)

    from pipeline import runtime

    runtime.configure()
    from components.errors import StageError
    from pipeline.decisions import Decisions
    from pipeline.failures import describe
    from pipeline.metadata import server_connection
    from pipeline.paths import WorkspaceError

    try:
        connection = server_connection(os.environ.get(METADATA_VARIABLE, ""))
    except StageError as error:
        end(str(error), USAGE)
    decisions = Decisions(accept_data.strip() or None, force_bless.strip() or None)
    part = None if page is not None else [node for node in nodes.split(",") if node]
    try:
        with _opened(experiment, root, run_id, decisions=decisions, connection=connection) as (run, paths):
            if part is None:
                _report(run, paths, Path(str(page)), executor_input)
            else:
                _work(run, paths, part)
    except WorkspaceError as error:
        end(str(error).replace("another one with --workspace DIR", "another kubeflow.root"), 1)
    except StageError as error:
        end(str(error), 1)
    except OSError as error:
        end(describe(root, error).replace("another workspace with --workspace DIR", "another kubeflow.root"), 1)
    if page is not None:
        told = on_one_line(run.record.message or str(run.record.report), _LONGEST_REASON)
        print(f"{run.record.status}: {told}", file=sys.stderr)
        sys.exit(0)
    _leave(run.record)


@contextmanager
def _opened(experiment: Experiment, root: str, run_id: str, **given: Any) -> Iterator[tuple[Run, Paths]]:
    """The run, where it can be worked on, and where its results go."""
    from kubeflow.place import place_of_work
    from pipeline.capture import original_streams
    from pipeline.interruption import ended_in_order
    from pipeline.progress import PlainProgress
    from pipeline.run import Run

    with (
        original_streams() as (_, log),
        ended_in_order(),
        place_of_work(root, experiment, run_id) as (placed, paths, artifacts),
    ):
        run = Run(placed, paths, PlainProgress(log), run_id, artifacts=artifacts, **given)
        run.record.image = os.environ.get(IMAGE_VARIABLE) or run.record.image
        yield run, paths


def _work(run: Run, paths: Paths, nodes: Sequence[str]) -> None:
    from schemas.places import check_places
    from schemas.problems import ExperimentError

    if _INGESTION in nodes and (missing := check_places(run.experiment)):
        run.record.refuse(str(ExperimentError(missing)))
        run.record.write(paths.runs)
    else:
        run.execute_part(nodes)


def _report(run: Run, paths: Paths, page: Path, executor_input: str) -> None:
    from kubeflow.pages import show
    from pipeline.notification.notify import notify

    run.conclude()
    try:
        show(run.material(), page, executor_input)
    finally:
        # At last: a report that is killed before, and tried again, tells nobody twice.
        notify(run.experiment.notifications, run.record, paths)


def _leave(record: RunRecord) -> NoReturn:
    """Ends the process with the run's exit status, and the reason as its last line."""
    if record.status == RUNNING:
        print(f"{record.run_id}: these nodes are done, the run goes on", file=sys.stderr)
        sys.exit(0)
    if record.log:
        with suppress(OSError):
            lines = Path(record.log).read_text(errors="replace").splitlines()
            print(f"the end of {record.log}:", *lines[-_LOG_LINES:], sep="\n", file=sys.stderr)
    told = record.message or ""
    if record.exit_status == 0:
        told = told if record.status == UNCHANGED else f"version {record.pushed_version} in {record.serving_directory}"
    print(f"{record.status}: {on_one_line(told, _LONGEST_REASON)}", file=sys.stderr)
    sys.exit(record.exit_status)


def _overrides(settings: str, data_source: str, last_span: str) -> list[str]:
    from kubeflow.embedding import data_overrides
    from schemas.problems import ExperimentError, Problem

    try:
        stated = json.loads(settings or "[]")
    except ValueError:
        stated = None
    if not isinstance(stated, list) or not all(isinstance(item, str) for item in stated):
        message = f'got {settings!r}; expected a JSON list of texts, as ["training.epochs=3"]'
        raise ExperimentError([Problem(message, "settings")])
    return [*stated, *data_overrides(data_source, last_span)]


if __name__ == "__main__":
    with leaving_promptly():
        main()
