"""`python -m kubeflow.schedule`: recurring runs, one at a time; a time that was missed is not made up for."""

from __future__ import annotations

import json
import tempfile
from typing import TYPE_CHECKING, Any

import click

from kubeflow.client import connected, connection_options, run_options
from kubeflow.compile import cluster_options, load_for_cluster
from kubeflow.embedding import data_overrides
from kubeflow.submit import compiled, parameters
from pipeline.command import USAGE, end
from schemas.cron import cron_trigger

if TYPE_CHECKING:
    from kfp import Client

_MOST = 100


def _cron(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    """KFP's own form, which begins with the seconds."""
    try:
        cron_trigger(value, "UTC")
    except ValueError as error:
        raise click.BadParameter(
            f"got {value!r} ({error}); expected minute, hour, day of the month, month and day of the week, as"
            " '0 3 * * *' for 3 o'clock every night"
        ) from error
    return f"0 {' '.join(value.split())}"


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Run an experiment on Kubeflow Pipelines again and again.

    A schedule has the name of its experiment. Its runs never overlap. Times are in UTC, unless the installation is
    set to another zone.
    """


@main.command()
@cluster_options
@click.option("--cron", required=True, callback=_cron, help="When: minute, hour, day, month, day of the week.")
@click.option("--replace", is_flag=True, help="Take the place of the schedule that is there.")
@run_options
@connection_options
def create(
    experiment: str,
    cron: str,
    overrides: tuple[str, ...],
    image: str | None,
    replace: bool,
    host: str | None,
    namespace: str | None,
    ca_cert: str | None,
    service_account: str | None,
    **given: str,
) -> None:
    """Compile an experiment and make a schedule of it. Data windows are resolved by each run."""
    loaded = load_for_cluster(experiment, (*overrides, *data_overrides(**given)), image)
    with tempfile.TemporaryDirectory() as directory:
        package = compiled(loaded, directory)
        with connected(host, ca_cert) as client:
            group = client.create_experiment(loaded.name, namespace=namespace)
            others = _all(client, experiment_id=group.experiment_id)
            before = [each for each in others if each.display_name == loaded.name]
            if before and not replace:
                end(f"{loaded.name} has a schedule already ({before[0].recurring_run_id}); see --replace", 1)
            made = client.create_recurring_run(
                group.experiment_id,
                loaded.name,
                cron_expression=cron,
                max_concurrency=1,
                no_catchup=True,
                params=parameters(**given),
                pipeline_package_path=package,
                enable_caching=False,
                service_account=service_account,
            )
            # After the new one is there: a failure leaves the old one.
            for old in before:
                client.delete_recurring_run(old.recurring_run_id)
    click.echo(f"{loaded.name}: scheduled {cron.removeprefix('0 ')} ({made.recurring_run_id})")


@main.command("list")
@click.argument("experiment", required=False)
@connection_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object as the last line.")
def list_(
    experiment: str | None,
    host: str | None,
    namespace: str | None,
    ca_cert: str | None,
    as_json: bool,
) -> None:
    """Show schedules: of one experiment, by its name, or all."""
    with connected(host, ca_cert) as client:
        found = _all(client, namespace=namespace)
    shown = [_described(each) for each in found if experiment in (None, each.display_name)]
    if as_json:
        click.echo(json.dumps({"schedules": shown}))
        return
    for each in shown:
        click.echo("{name}  {cron}  {state}  {id}".format(**each))
    if not shown:
        click.echo(f"{experiment or 'the namespace'} has no schedule")


def _change(name: str, help_text: str) -> None:
    """Adds a command that changes the schedule of an experiment."""

    @main.command(name, help=help_text)
    @click.argument("experiment")
    @connection_options
    def change(experiment: str, host: str | None, namespace: str | None, ca_cert: str | None) -> None:
        with connected(host, ca_cert) as client:
            there = _all(client, namespace=namespace)
            found = [each for each in there if each.display_name == experiment]
            if not found:
                known = sorted({each.display_name for each in there})
                end(f"{experiment} has no schedule; there are those of {', '.join(known) or 'none'}", USAGE)
            changes = {
                "pause": client.disable_recurring_run,
                "resume": client.enable_recurring_run,
                "delete": client.delete_recurring_run,
            }
            for each in found:
                changes[name](each.recurring_run_id)
        for each in found:
            click.echo(f"{experiment}: {_DONE[name]} ({each.recurring_run_id})")


_DONE = {"pause": "paused", "resume": "resumed", "delete": "deleted"}
_change("pause", "Start no more runs, until the schedule is resumed.")
_change("resume", "Start runs again; those that were missed are not made up for.")
_change("delete", "Remove the schedule. Its runs stay.")


def _all(client: Client, **where: str | None) -> list[Any]:
    """All schedules of a namespace, or of an experiment of KFP's."""
    found: list[Any] = []
    token = ""
    while True:
        page = client.list_recurring_runs(page_token=token, page_size=_MOST, **where)
        found += page.recurring_runs or []
        token = page.next_page_token or ""
        if not token:
            return found


def _described(each: Any) -> dict[str, Any]:
    cron = each.trigger.cron_schedule.cron if each.trigger and each.trigger.cron_schedule else ""
    return {
        "name": each.display_name,
        "cron": cron.partition(" ")[2],
        "state": each.status,
        "id": each.recurring_run_id,
    }


if __name__ == "__main__":
    main()
