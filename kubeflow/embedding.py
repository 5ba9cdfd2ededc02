"""An experiment as text that a container can load, far from the file that it was declared in."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

from schemas.experiment import Experiment
from schemas.kubeflow import is_on
from schemas.listing import is_remote
from schemas.loading import load_experiment
from schemas.places import SCHEMAS_DIRECTORY, places_of
from schemas.problems import ExperimentError, Problem


def to_text(experiment: Experiment) -> str:
    """What the experiment states beyond the defaults, as JSON on one line, the same to the byte for equal ones.

    Raises:
      ExperimentError: it names places of this machine that no pod will have.
    """
    problems = [_unreachable(key, place, experiment) for key, place in places_of(experiment).items()]
    if found := [problem for problem in problems if problem]:
        raise ExperimentError(found)
    stated = experiment.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    if experiment.schema_.file and _is_curated(experiment.schema_.file):
        stated["schema"]["file"] = Path(experiment.schema_.file).stem
    return json.dumps(stated, sort_keys=True, separators=(",", ":"))


def from_text(text: str, overrides: Sequence[str], require_places: bool) -> Experiment:
    """Loads what `to_text` wrote, with overrides.

    Args:
      text: an experiment as JSON or YAML.
      overrides: as of `schemas.loading.load_experiment`.
      require_places: whether the data must be there.

    Raises:
      ExperimentError: with everything that is wrong.
    """
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory, "experiment.yaml")
        file.write_text(text, encoding="utf-8")
        return load_experiment(str(file), overrides, require_places=require_places)


def data_overrides(data_source: str, last_span: str, **_: str) -> list[str]:
    """The pipeline's parameters that are values of the experiment, as overrides; those that are empty are left out."""
    given = {"data.source": data_source, "data.spans.last": last_span}
    return [f"{key}={value}" for key, value in given.items() if value.strip()]


def _is_curated(file: str) -> bool:
    return Path(file).parent == SCHEMAS_DIRECTORY


def _unreachable(key: str, place: str, experiment: Experiment) -> Problem | None:
    mounts = [volume.mount for volume in experiment.kubeflow.volumes]
    if is_remote(place) or _is_curated(place) or any(is_on(place, mount) for mount in mounts):
        return None
    return Problem(
        f"{place} is a place of this machine, and on none of kubeflow.volumes ({', '.join(mounts) or 'there is none'});"
        " name its path in the containers, or add the volume that holds it",
        key,
    )
