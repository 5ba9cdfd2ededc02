"""Where a task works: on the volume itself, or in its own copy of what an object store holds."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pipeline.paths import Paths
from schemas.experiment import Experiment
from schemas.push import OBJECT_STORES

if TYPE_CHECKING:
    from pipeline.artifacts import Artifacts

_COPIES = Path("/tmp/darkroom")
_NUM_DIGITS = 12


class PlaceOfWork(NamedTuple):
    """What a run is given."""

    experiment: Experiment
    """With the place to push to."""
    paths: Paths
    artifacts: Artifacts | None
    """None where they are at hand."""


def copy_of(root: str) -> Path:
    """Where every pod has its copy, on a disk of its own: ML Metadata has its paths as the uris of artifacts."""
    return _COPIES / hashlib.sha256(root.encode()).hexdigest()[:_NUM_DIGITS]


@contextmanager
def place_of_work(root: str, experiment: Experiment, run_id: str) -> Iterator[PlaceOfWork]:
    """Makes the root usable as a workspace; at the end everything is where the root says.

    Args:
      root: a path, or a URL at gs:// or s3://.
      experiment: validated.
      run_id: of the run.

    Raises:
      StageError: the object store does not answer, or refuses.
      WorkspaceError: the place cannot be written to.
    """
    if not root.startswith(OBJECT_STORES):
        paths = Paths(Path(root).absolute(), experiment.name)
        paths.prepare()
        yield PlaceOfWork(experiment, paths, None)
        return
    from pipeline.mirror.filesystem import let_tfx_fetch
    from pipeline.mirror.workspace import Mirror

    paths = Paths(copy_of(root), experiment.name)
    if experiment.push.directory is None:
        push = experiment.push.model_copy(update={"directory": f"{root}/{experiment.name}/serving"})
        experiment = experiment.model_copy(update={"push": push})
    mirror = Mirror(root, paths, run_id)
    let_tfx_fetch(mirror)
    with mirror.at_work():
        paths.prepare()
        yield PlaceOfWork(experiment, paths, mirror)
