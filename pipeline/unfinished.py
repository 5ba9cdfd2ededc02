"""What a stage that did not end leaves behind: an execution in ML Metadata, and directories of outputs."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TypeAlias

from ml_metadata.proto import metadata_store_pb2
from tfx.dsl.io import fileio

from pipeline.metadata import ConnectionConfig, PatientMetadata

Execution: TypeAlias = metadata_store_pb2.Execution

_UNFINISHED = (Execution.NEW, Execution.RUNNING)
_ENDED_BADLY = (Execution.FAILED, Execution.CANCELED)


def is_unfinished(execution: Execution) -> bool:
    """Whether nobody has said yet how it ended."""
    return execution.last_known_state in _UNFINISHED


def give_up(handle: PatientMetadata, executions: Iterable[Execution], root: str) -> bool:
    """Removes what unfinished executions have written so far, and marks them as failed.

    Args:
      handle: connected.
      executions: of nodes that nobody works on any more; those that have ended are left alone.
      root: where the pipeline's artifacts are.

    Returns:
      Whether there were any.
    """
    unfinished = [execution for execution in executions if is_unfinished(execution)]
    if not unfinished:
        return False
    remove_outputs(root, {execution.id for execution in unfinished})
    for execution in unfinished:
        execution.last_known_state = Execution.FAILED
    handle.store.put_executions(unfinished)
    return True


def remove_outputs(root: str, executions: set[int]) -> None:
    """Removes the directories of these executions, whatever their nodes and outputs are called.

    TFX writes to `<root>/<node>/<output>/<execution>` and `<root>/<node>/.system/<purpose>/<execution>`
    (tfx/orchestration/portable/outputs_utils.py).
    """
    for execution in executions:
        for pattern in (f"{root}/*/*/{execution}", f"{root}/*/.system/*/{execution}"):
            for directory in fileio.glob(pattern):
                logging.info("removing what execution %d had written to %s", execution, directory)
                fileio.rmtree(directory)


def recover(connection: ConnectionConfig, root: str) -> list[int]:
    """Mends what processes that died have left, before a run; nobody else may be at work in the database.

    Args:
      connection: to the ML Metadata of this pipeline alone.
      root: where its artifacts are.

    Returns:
      Ids of the executions that were unfinished, and are failed now.
    """
    with PatientMetadata(connection) as handle:
        executions = handle.store.get_executions()
        unfinished = [execution.id for execution in executions if is_unfinished(execution)]
        # Also of those that failed: the process may have died between its mark and the removal.
        remove_outputs(root, _written(root) & {item.id for item in executions if item.last_known_state in _ENDED_BADLY})
        give_up(handle, executions, root)
    return unfinished


def _written(root: str) -> set[int]:
    """Ids of the executions that have a directory of any kind."""
    found = [*fileio.glob(f"{root}/*/*/*"), *fileio.glob(f"{root}/*/.system/*/*")]
    names = (path.rstrip("/").rpartition("/")[2] for path in found)
    return {int(name) for name in names if name.isdecimal()}
