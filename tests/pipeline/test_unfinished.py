from __future__ import annotations

from pathlib import Path

from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2

from pipeline.metadata import PatientMetadata, file_connection
from pipeline.unfinished import give_up, recover
from tests.bookkeeping import store_at
from tests.places import touch

States = metadata_store_pb2.Execution


def make_executions(store: MetadataStore, *states: int) -> list[int]:
    kind = store.put_execution_type(metadata_store_pb2.ExecutionType(name="Worker"))
    made = [metadata_store_pb2.Execution(type_id=kind, last_known_state=state) for state in states]
    return list(store.put_executions(made))


def test_what_died_is_marked_and_removed(tmp_path: Path) -> None:
    """Unfinished executions fail, and what they or failed ones have written goes; the rest is not touched."""
    root, connection = tmp_path / "artifacts", file_connection(tmp_path / "metadata.db")
    with PatientMetadata(connection) as handle:
        ids = make_executions(handle.store, States.RUNNING, States.NEW, States.FAILED, States.COMPLETE, States.CACHED)
    running, new, failed, complete, cached = ids
    for number in (*ids, 99):
        touch(root, f"Trainer/model/{number}/weights", f"Trainer/.system/executor_execution/{number}/.temp/x")
    touch(root, f"Transform/graph/{running}/graph", "Trainer/model/notes")
    assert recover(connection, str(root)) == [running, new]
    states = {item.id: item.last_known_state for item in store_at(tmp_path / "metadata.db").get_executions()}
    assert states == {
        running: States.FAILED,
        new: States.FAILED,
        failed: States.FAILED,
        complete: States.COMPLETE,
        cached: States.CACHED,
    }
    left = {path.name for path in (root / "Trainer" / "model").iterdir()}
    # A directory of an execution that this database has never heard of may be somebody else's.
    assert left == {str(complete), str(cached), "99", "notes"}
    assert not list((root / "Transform" / "graph").iterdir())
    assert recover(connection, str(root)) == []


def test_only_what_is_unfinished_is_given_up(tmp_path: Path) -> None:
    """An execution that has ended is neither marked nor robbed of its outputs, whoever asks."""
    root, connection = tmp_path / "artifacts", file_connection(tmp_path / "metadata.db")
    with PatientMetadata(connection) as handle:
        [complete] = make_executions(handle.store, States.COMPLETE)
        touch(root, f"Trainer/model/{complete}/weights")
        give_up(handle, handle.store.get_executions(), str(root))
        [execution] = handle.store.get_executions()
    assert execution.last_known_state == States.COMPLETE
    assert (root / "Trainer" / "model" / str(complete) / "weights").exists()
