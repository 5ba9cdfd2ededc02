"""What a run does before its first node: imports the libraries, compiles, mends what died here before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.paths import Paths
from pipeline.record import RUNNING, read_records
from schemas.experiment import Experiment

if TYPE_CHECKING:
    from pipeline.artifacts import Artifacts
    from pipeline.execution import CompiledPipeline
    from pipeline.metadata import ConnectionConfig


def open_pipeline(
    experiment: Experiment,
    paths: Paths,
    run_id: str,
    connection: ConnectionConfig | None = None,
    artifacts: Artifacts | None = None,
) -> CompiledPipeline:
    """Prepares the embedded data set, if there is one, and compiles the pipeline.

    Args:
      experiment: validated.
      paths: where its results go.
      run_id: of a new run, or of one that goes on.
      connection: to ML Metadata. Default: the workspace's own file.
      artifacts: where they are kept. Default: in the workspace.

    Raises:
      StageError: something that the experiment asks for cannot be had.
    """
    from pipeline.artifacts import LocalArtifacts
    from pipeline.blessed import base_weights_of_another
    from pipeline.datasets.preparation import prepare
    from pipeline.execution import CompiledPipeline
    from pipeline.metadata import file_connection
    from pipeline.pipeline import create_pipeline

    artifacts = artifacts or LocalArtifacts(str(paths.workspace))
    if experiment.data.dataset:
        place = paths.datasets / experiment.data.dataset
        artifacts.fetch(str(place))
        before = place.stat().st_ino if place.exists() else None
        if prepare(experiment.data.dataset, place).stat().st_ino != before:
            artifacts.keep(str(place))
    base_weights = base_weights_of_another(experiment, paths, connection, artifacts)
    pipeline = create_pipeline(experiment, paths, base_weights)
    return CompiledPipeline(pipeline, run_id, connection or file_connection(paths.metadata), artifacts)


def mend_workspace(compiled: CompiledPipeline, paths: Paths, run_id: str) -> None:
    """Ends what processes that died have left unfinished; no other run may be at work in the workspace.

    Args:
      compiled: the pipeline, with the workspace's own ML Metadata.
      paths: of the workspace.
      run_id: of the run that begins.
    """
    from pipeline.unfinished import recover

    recover(compiled.connection, compiled.root)
    for record in read_records(paths.runs):
        if record.status == RUNNING and record.run_id != run_id:
            record.cut_off()
            record.write(paths.runs)
