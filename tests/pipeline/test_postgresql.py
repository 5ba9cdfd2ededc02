from __future__ import annotations

from collections.abc import Iterator

import pytest
from ml_metadata.proto import metadata_store_pb2

from pipeline.metadata import ConnectionConfig, PatientMetadata, server_connection
from tests.databases import database

TEXTS = ['{"a": "\\"b\\\\c\\""}', "it's", 'say "no"', "C:\\images", "Blüten 花", "100 % $1 {}", "line\nline", ""]


@pytest.fixture(scope="module")
def connection() -> Iterator[ConnectionConfig]:
    with database("postgresql") as server:
        yield server_connection(server.url)


@pytest.mark.parametrize("text", TEXTS)
def test_every_text_comes_back(text: str, connection: ConnectionConfig) -> None:
    """With quotes, backslashes and what else users write, as a property of its own, a name and a place."""
    kind = metadata_store_pb2.ArtifactType(name="Kind", properties={"stated": metadata_store_pb2.STRING})
    with PatientMetadata(connection) as handle:
        number = handle.store.put_artifact_type(kind)
        made = metadata_store_pb2.Artifact(type_id=number, uri=f"/place/{text}", name=f"name {text}")
        made.properties["stated"].string_value = text
        made.custom_properties["own"].string_value = text
        [written] = handle.store.put_artifacts([made])
        [read] = handle.store.get_artifacts_by_id([written])
        found = handle.store.get_artifact_by_type_and_name("Kind", f"name {text}")
    assert (read.properties["stated"].string_value, read.custom_properties["own"].string_value) == (text, text)
    assert (read.uri, found.id) == (f"/place/{text}", written)
    # What the caller wrote is as it was.
    assert made.custom_properties["own"].string_value == text


def test_refusals_are_told(connection: ConnectionConfig) -> None:
    """A wrong password is told as that, and is not shown."""
    wrong = ConnectionConfig()
    wrong.CopyFrom(connection)
    wrong.postgresql.password = "hush"
    with pytest.raises(Exception, match=r"it refuses .* see that user, password and database") as caught:
        PatientMetadata(wrong).__enter__()
    assert "hush" not in str(caught.value)
