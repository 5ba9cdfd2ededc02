"""`python -m kubeflow.submit EXPERIMENT`: one run, now."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import click

from kubeflow.client import connected, connection_options, run_options
from kubeflow.compile import cluster_options, compile_pipeline, load_for_cluster
from kubeflow.embedding import data_overrides
from pipeline.command import USAGE, end
from schemas.experiment import Experiment
from schemas.problems import ExperimentError

_SUCCEEDED = "SUCCEEDED"


def parameters(**given: str) -> dict[str, Any]:
    """The pipeline's parameters: those that are given, by name."""
    return {name: value for name, value in given.items() if value.strip()}


def compiled(experiment: Experiment, directory: str) -> str:
    """Compiles to a file in a directory, or ends the process with what is wrong; returns its path."""
    package = Path(directory, "pipeline.yaml")
    try:
        compile_pipeline(experiment, package)
    except ExperimentError as error:
        end(str(error), USAGE)
    return str(package)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@cluster_options
@run_options
@connection_options
@click.option("--wait", metavar="SECONDS", type=click.IntRange(min=1), help="Wait for its end, at most so long.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object as the last line.")
def main(
    experiment: str,
    overrides: tuple[str, ...],
    image: str | None,
    host: str | None,
    namespace: str | None,
    ca_cert: str | None,
    service_account: str | None,
    wait: int | None,
    as_json: bool,
    **given: str,
) -> None:
    """Compile an experiment and run it on Kubeflow Pipelines.

    Exit status: 0 submitted, or with --wait succeeded; 1 refused or, with --wait, not succeeded; 2 the experiment is
    wrong.
    """
    loaded = load_for_cluster(experiment, (*overrides, *data_overrides(**given)), image)
    with tempfile.TemporaryDirectory() as directory:
        package = compiled(loaded, directory)
        with connected(host, ca_cert) as client:
            group = client.create_experiment(loaded.name, namespace=namespace)
            run = client.run_pipeline(
                group.experiment_id,
                loaded.name,
                package,
                params=parameters(**given),
                enable_caching=False,
                service_account=service_account,
            )
            state = None
            if wait:
                try:
                    state = client.wait_for_run_completion(run.run_id, wait).state
                except TimeoutError:
                    end(f"run {run.run_id} has not ended in {wait} s; it goes on", 1)
    told = f"run {run.run_id}" + (f": {state}" if state else " is submitted")
    click.echo(json.dumps({"run_id": run.run_id, "state": state}) if as_json else told)
    sys.exit(0 if state in (None, _SUCCEEDED) else 1)


if __name__ == "__main__":
    main()
