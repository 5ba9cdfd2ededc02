"""`python -m kubeflow.compile EXPERIMENT --output pipeline.yaml`; no cluster and no credentials are needed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from pipeline.command import USAGE, end
from schemas.experiment import Experiment
from schemas.kubeflow import METADATA_VARIABLE
from schemas.loading import load_experiment
from schemas.problems import ExperimentError, Problem
from schemas.push import OBJECT_STORES

Command = TypeVar("Command", bound=Callable[..., Any])

_NO_IMAGE = "none is given; name the container image, as registry/darkroom@sha256:..., here or with --image"


_OUT_OF_REACH = (
    "beam.args names a runner, whose workers do not see a pod's copy of an object store; name a path on a volume that"
    " they mount, too, or leave the runner out"
)


def cluster_options(command: Command) -> Command:
    """The experiment, as every command takes it that compiles."""
    for decorate in (
        click.option("--image", metavar="IMAGE", help="Container image. Default: kubeflow.image."),
        click.option("--set", "overrides", metavar="K=V", multiple=True, help="Override a key, as training.epochs=3."),
        click.argument("experiment"),
    ):
        command = decorate(command)
    return command


def compile_pipeline(experiment: Experiment, output: Path) -> None:
    """Writes the pipeline of an experiment for Kubeflow Pipelines, the same to the byte for equal experiments.

    Args:
      experiment: validated, with an image.
      output: ends in .yaml.

    Raises:
      ExperimentError: it names places that no pod will have, or no image.
    """
    from kubeflow.embedding import to_text

    if not experiment.kubeflow.image:
        raise ExperimentError([Problem(_NO_IMAGE, "kubeflow.image")])
    if experiment.kubeflow.root.startswith(OBJECT_STORES) and any(
        each.startswith("--runner") for each in experiment.beam.args
    ):
        raise ExperimentError([Problem(_OUT_OF_REACH, "kubeflow.root")])
    text = to_text(experiment)

    from pipeline import runtime

    runtime.configure()
    from pipeline.capture import captured

    growing = output.with_name(f".{output.stem}.{os.getpid()}.yaml")
    try:
        # What the libraries have to say while they are imported is of no use here.
        with captured(Path(os.devnull)):
            _compile(experiment, text, growing)
        os.replace(growing, output)
    finally:
        growing.unlink(missing_ok=True)


def _compile(experiment: Experiment, text: str, output: Path) -> None:
    from kfp.compiler import Compiler

    from kubeflow.definition import define
    from pipeline.execution import CompiledPipeline
    from pipeline.metadata import ConnectionConfig
    from pipeline.paths import Paths
    from pipeline.pipeline import create_pipeline

    pipeline = create_pipeline(experiment, Paths(Path(experiment.kubeflow.root), experiment.name))
    compiled = CompiledPipeline(pipeline, "compiled", ConnectionConfig())
    resolvers = [node for node in compiled.nodes if compiled.is_resolver(node)]
    Compiler().compile(define(experiment, text, compiled.nodes, resolvers), str(output))


def load_for_cluster(experiment: str, overrides: tuple[str, ...], image: str | None) -> Experiment:
    """Loads an experiment whose data is in a cluster, or ends the process with all its errors."""
    try:
        loaded = load_experiment(experiment, overrides, require_places=False)
    except ExperimentError as error:
        end(str(error), USAGE)
    settings = loaded.kubeflow.model_copy(update={"image": image or loaded.kubeflow.image})
    return loaded.model_copy(update={"kubeflow": settings})


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@cluster_options
@click.option(
    "--output",
    metavar="FILE",
    default="pipeline.yaml",
    show_default=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="What to write; ends in .yaml.",
)
def main(experiment: str, overrides: tuple[str, ...], image: str | None, output: Path) -> None:
    """Compile an experiment to a pipeline for Kubeflow Pipelines v2.

    EXPERIMENT is the path of a YAML file, or the name of one in pipeline/experiments/. Exit status: 0 written; 1 the
    file cannot be written; 2 the experiment is wrong.
    """
    if output.suffix not in (".yaml", ".yml"):
        raise click.BadParameter(f"got {str(output)!r}; expected a file that ends in .yaml", param_hint="--output")
    loaded = load_for_cluster(experiment, overrides, image)
    try:
        compile_pipeline(loaded, output)
    except ExperimentError as error:
        end(str(error), USAGE)
    except OSError as error:
        end(f"{output} cannot be written: {error.strerror or error}; give another place with --output", 1)
    if not any(METADATA_VARIABLE in secret.environment for secret in loaded.kubeflow.secrets):
        click.echo(f"kubeflow.secrets: none gives {METADATA_VARIABLE}, which every task needs", err=True)
    click.echo(f"{output}: {loaded.name}, digest {loaded.digest()[:12]}, image {loaded.kubeflow.image}")


if __name__ == "__main__":
    main()
