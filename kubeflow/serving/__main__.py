"""`python -m kubeflow.serving EXPERIMENT` prints the manifests; no cluster and no credentials are needed."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from kubeflow.serving.settings import Settings

_DEFAULTS = Settings()
_NAME = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_QUANTITY = r"[0-9]+(\.[0-9]+)?(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?"
_SUB_PATH = r"(?!.*(^|/)\.\.?(/|$))[^/].*"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"


def _like(pattern: str, expected: str) -> Callable[[click.Context, click.Parameter, str | None], str | None]:
    """Refuses a value that Kubernetes would refuse."""

    def check(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
        if value and not re.fullmatch(pattern, value):
            raise click.BadParameter(f"got {value!r}; expected {expected}")
        return value

    return check


_name = _like(_NAME, "lower-case letters, digits and inner hyphens, at most 63")
_quantity = _like(_QUANTITY, "a Kubernetes quantity, as 500m, 2 or 4Gi")


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.argument("experiment")
@click.option("--set", "overrides", metavar="K=V", multiple=True, help="Override a key, as push.directory=/models/x.")
@click.option(
    "--workspace",
    metavar="DIR",
    type=click.Path(path_type=Path),
    default=Path("workspace"),
    help="Where versions are, if push.directory does not say it.",
)
@click.option(
    "--kind", type=click.Choice(["tensorflow-serving", "kserve"]), default="tensorflow-serving", help="What serves."
)
@click.option("--claim", metavar="NAME", callback=_name, help="A claim that is there. Default: a new one.")
@click.option(
    "--sub-path",
    metavar="PATH",
    default=_DEFAULTS.sub_path,
    callback=_like(_SUB_PATH, "a relative path without '..'"),
    help="Directory of the versions within the claim.",
)
@click.option("--storage", default=_DEFAULTS.storage, callback=_quantity, help="Size of a new claim.")
@click.option("--storage-class", callback=_name, help="Of a new claim. Default: the cluster's own.")
@click.option("--namespace", callback=_name, help="Default: the one that kubectl is set to.")
@click.option("--service-account", callback=_name, help="Whose rights the server has in an object store.")
@click.option(
    "--version",
    metavar="TAG",
    default=_DEFAULTS.version,
    callback=_like(_TAG, "a tag of an image"),
    help="Release of TensorFlow Serving.",
)
@click.option("--replicas", type=click.IntRange(min=1), default=_DEFAULTS.replicas, help="Servers.")
@click.option("--cpu", default=_DEFAULTS.cpu, callback=_quantity, help="Processors of each.")
@click.option("--memory", default=_DEFAULTS.memory, callback=_quantity, help="Memory of each.")
@click.option("--output", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), help="Default: print.")
def main(
    experiment: str, overrides: tuple[str, ...], workspace: Path, kind: str, output: Path | None, **stated: Any
) -> None:
    """Manifests that let a cluster serve an EXPERIMENT: a path, or the name of a file in pipeline/experiments/.

    With tensorflow-serving, a Deployment and a Service; with kserve, an InferenceService; with either, a
    PersistentVolumeClaim, unless --claim names one or push.directory is in an object store. Exit status:
    0 done; 1 FILE cannot be written; 2 the experiment or the command is wrong.
    """
    from kubeflow.serving.kserve import kserve
    from kubeflow.serving.objects import to_yaml
    from kubeflow.serving.servable import ManifestError, servable_of
    from kubeflow.serving.tensorflow_serving import tensorflow_serving
    from pipeline.paths import Paths
    from schemas.loading import load_experiment
    from schemas.problems import ExperimentError

    make = {"tensorflow-serving": tensorflow_serving, "kserve": kserve}[kind]
    try:
        loaded = load_experiment(experiment, overrides, require_places=False)
        servable = servable_of(loaded, Paths(workspace.absolute(), loaded.name))
        text = to_yaml(make(servable, Settings(**stated)))
    except (ExperimentError, ManifestError) as error:
        click.echo(str(error), err=True)
        raise click.exceptions.Exit(2) from error
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.FileError(str(output), error.strerror) from error


if __name__ == "__main__":
    main(prog_name="python -m kubeflow.serving")
