"""The command line of Darkroom: `local_runner.py --help` lists the commands."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from components.leaving import leaving_promptly
from pipeline.command import USAGE, arguments_of, end, experiment_options, json_option, load, locked, wait_option
from pipeline.commands.gc import gc
from pipeline.commands.schedule import schedule
from pipeline.commands.status import status


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """From a collection of images to a served model, as one experiment file declares it.

    EXPERIMENT is the path of a YAML file, or the name of one in pipeline/experiments/.
    """


@main.command()
@experiment_options
@click.option("--accept-data", metavar="REASON", help="Let this run go on against the data gate; kept in its record.")
@click.option("--force-bless", metavar="REASON", help="Push the model also if it is not blessed; kept in the record.")
@wait_option
@json_option
def run(
    experiment: str,
    overrides: tuple[str, ...],
    workspace: Path,
    accept_data: str | None,
    force_bless: str | None,
    wait: float,
    as_json: bool,
) -> None:
    """Run an experiment, from the data to the push. One run at a time in a workspace.

    Exit status: 0 pushed, or nothing new to do; 1 failed; 2 the experiment is wrong; 3 stopped by the
    data gate; 4 the model is not blessed, or refused by the canary.
    """
    loaded, paths = load(experiment, overrides, workspace, as_json)
    if accept_data is not None and not accept_data.strip():
        raise click.BadParameter("give the reason why this data is good enough", param_hint="--accept-data")
    if force_bless is not None and not force_bless.strip():
        raise click.BadParameter("give the reason why this model is good enough", param_hint="--force-bless")

    from pipeline import runtime

    runtime.configure()
    from pipeline.capture import original_streams
    from pipeline.decisions import Decisions
    from pipeline.interruption import ended_in_order
    from pipeline.nothing_new import run_with_nothing_new
    from pipeline.notification.notify import notify
    from pipeline.presentation import summarize
    from pipeline.progress import progress_on
    from pipeline.versions import serving_of

    with (
        locked(paths, f"run {experiment}", wait, as_json, starts_run=True) as holder,
        original_streams() as (output, error),
    ):
        decisions, arguments = Decisions(accept_data, force_bless), arguments_of(experiment, workspace)
        with progress_on(error) as progress, ended_in_order():
            begin = (loaded, paths, progress, str(holder.run_id))
            record = None if accept_data or force_bless else run_with_nothing_new(*begin, arguments)
            if record is None:
                from pipeline.run import Run

                record = Run(*begin, decisions=decisions, arguments=arguments).execute()
            notify(loaded.notifications, record, paths)
        if as_json:
            print(json.dumps(record.to_json()), file=output)
        else:
            print(summarize(record, serving_of(loaded, paths), experiment, workspace), file=output)
    sys.exit(record.exit_status)


@main.command()
@experiment_options
@click.option("--show", is_flag=True, help="Print the experiment with all its defaults.")
def validate(experiment: str, overrides: tuple[str, ...], workspace: Path, show: bool) -> None:
    """Check an experiment and print every error at once."""
    loaded, _ = load(experiment, overrides, workspace, as_json=False)
    if show:
        from schemas.loading import resolved_yaml

        click.echo(resolved_yaml(loaded), nl=False)
    else:
        click.echo(f"{experiment}: valid ({loaded.name}, digest {loaded.digest()[:12]})")


@main.command()
@experiment_options
def report(experiment: str, overrides: tuple[str, ...], workspace: Path) -> None:
    """Print the path of the newest run's report.

    A page beside it, index.html, compares all runs. Exit status: 0 printed; 2 there is none, or the experiment is
    wrong.
    """
    loaded, paths = load(experiment, overrides, workspace, as_json=False, require_places=False)
    from pipeline.report.places import newest_report
    from schemas.problems import shown_path

    newest = newest_report(paths)
    if newest is None:
        end(f"there is no report in {paths.reports}: {loaded.name} has not run yet in this workspace", USAGE)
    click.echo(shown_path(newest))


@main.command()
@experiment_options
@click.option("--to", "version", type=int, metavar="VERSION", help="Default: the newest whole one below the live one.")
@click.option("--reason", metavar="TEXT", help="Kept in the history of the versions.")
@json_option
def rollback(
    experiment: str, overrides: tuple[str, ...], workspace: Path, version: int | None, reason: str | None, as_json: bool
) -> None:
    """Make an older version live, or one that was rolled back.

    Exit status: 0 it is live; 1 there is none to go back to, or it is damaged, or the directory cannot be
    changed; 2 there is no such version, or the experiment is wrong.
    """
    loaded, paths = load(experiment, overrides, workspace, as_json, require_places=False)
    from pipeline.versions import roll_experiment_back

    outcome = roll_experiment_back(loaded, paths, version, reason)
    if outcome.exit_status:
        end(outcome.message, outcome.exit_status, outcome.to_json() if as_json else None)
    click.echo(json.dumps(outcome.to_json()) if as_json else outcome.message)


@main.command()
@experiment_options
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--server", metavar="URL", help="Ask a model server: http://HOST:8501, or grpc://HOST:8500.")
@click.option("--model", metavar="NAME", help="Its name on the server. Default: the experiment's.")
@click.option("--label", help="The version that a server asks: stable or candidate. Default: the newest.")
@click.option(
    "--timeout",
    metavar="SECONDS",
    type=click.FloatRange(min=0, min_open=True),
    help="For a server's answer. Default: 10.",
)
@json_option
def predict(
    experiment: str, overrides: tuple[str, ...], workspace: Path, images: tuple[Path, ...], as_json: bool, **asked: Any
) -> None:
    """Label images with the pushed model, or as a model server does.

    Exit status: 0 all are labelled; 1 not all, or none for want of a model; 2 the command is wrong.
    """
    loaded, paths = load(experiment, overrides, workspace, as_json, require_places=False)
    from pipeline.prediction import predict_with_newest, unusable
    from pipeline.serving_client.target import AddressError, target_of

    if absent := unusable(images):
        end("\n".join(absent), USAGE, _no_predictions(absent) if as_json else None)
    try:
        target = target_of(loaded.name, **asked)
    except AddressError as error:
        raise click.UsageError(str(error)) from error

    from pipeline import runtime

    runtime.configure()
    from components.errors import StageError
    from pipeline.presentation import predictions_object, print_predictions
    from pipeline.serving_client.client import predict_on_server
    from pipeline.versions import serving_of

    try:
        if target is None:
            version, predictions = predict_with_newest(serving_of(loaded, paths), images)
        else:
            version, predictions = predict_on_server(target, images)
    except StageError as error:
        end(str(error), 1, _no_predictions([str(error)]) if as_json else None)
    if as_json:
        click.echo(json.dumps(predictions_object(version, predictions)))
    else:
        print_predictions(predictions)
    sys.exit(1 if any(prediction.error for prediction in predictions) else 0)


@main.command()
@click.argument("source")
@click.argument("destination", metavar="DEST")
@click.option(
    "--format",
    "data_format",
    type=click.Choice(["image_folder", "manifest", "tfrecord"]),
    help="What SOURCE is. Default: a file is a manifest, a directory an image folder.",
)
@click.option(
    "--encoding",
    type=click.Choice(["compressed", "raw", "float32"]),
    default="compressed",
    show_default=True,
    help="Files as they are, uint8 pixels, or pixels / 255.",
)
@click.option("--set", "overrides", metavar="K=V", multiple=True, help="A key of data, as data.columns.path=filename.")
@json_option
def ingest(
    source: str,
    destination: str,
    data_format: str | None,
    encoding: str,
    overrides: tuple[str, ...],
    as_json: bool,
) -> None:
    """Write images as TFRecords, checked, without drawing any split.

    SOURCE is a directory with one for each class, or a CSV or JSON Lines file with the columns path,
    label and, where wanted, split. DEST is a new directory. Exit status: 0 done; 1 failed; 2 usage; 3 the
    data cannot be used, or too much of it.
    """
    from schemas.loading import load_data
    from schemas.problems import ExperimentError

    try:
        data = load_data(source, data_format or ("manifest" if Path(source).is_file() else "image_folder"), overrides)
    except ExperimentError as error:
        end(str(error), USAGE, {"status": "invalid", "message": str(error)} if as_json else None)

    from pipeline import runtime

    runtime.configure()
    from pipeline.capture import original_streams
    from pipeline.ingest import write_tfrecords
    from pipeline.interruption import ended_in_order

    with original_streams() as (output, error_output), ended_in_order():
        result = write_tfrecords(data, destination, encoding)
        print(result.describe(), file=error_output if as_json or result.exit_status == USAGE else output)
        if as_json:
            print(json.dumps(result.to_json()), file=output)
    sys.exit(result.exit_status)


main.add_command(gc)
main.add_command(schedule)
main.add_command(status)


def _no_predictions(errors: list[str]) -> dict[str, Any]:
    return {"version": None, "predictions": [], "errors": errors}


if __name__ == "__main__":
    with leaving_promptly():
        main()
