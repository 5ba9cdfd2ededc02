from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from components.pusher.manifest import FileFacts, Manifest, differences, digest_of, files_of, manifest_of
from components.pusher.naming import MANIFEST


def test_a_manifest_names_every_file_but_itself(servable: Path) -> None:
    """Each file has its size and SHA-256, under its path from the directory; who and when are kept."""
    (servable / MANIFEST).parent.mkdir()
    (servable / MANIFEST).write_text("{}")
    manifest = manifest_of(servable)
    assert sorted(manifest.files) == ["fingerprint.pb", "saved_model.pb", "variables/variables.index"]
    assert manifest.files["saved_model.pb"] == FileFacts(5, hashlib.sha256(b"graph").hexdigest())
    assert "@" in manifest.who
    assert manifest.pushed.endswith("+00:00")


def test_it_is_read_as_it_was_written(servable: Path) -> None:
    """JSON and back gives the same manifest."""
    manifest = manifest_of(servable)
    assert Manifest.from_json(manifest.to_json()) == manifest


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"files": 3}', '{"files": {"a": {}}, "pushed": "", "who": ""}'])
def test_another_text_is_no_manifest(text: str) -> None:
    """What is cut short or of another form is a ValueError."""
    with pytest.raises(ValueError):  # noqa: PT011 Each text has a message of its own.
        Manifest.from_json(text)


def test_the_digest_follows_bytes_and_names(servable: Path) -> None:
    """One digest for one content, wherever and whenever; another for any other byte or name."""
    before = manifest_of(servable).digest
    assert manifest_of(servable).digest == before
    (servable / "saved_model.pb").rename(servable / "saved_model.pbtxt")
    renamed = digest_of(files_of(servable))
    (servable / "saved_model.pbtxt").write_bytes(b"grapf")
    assert len({before, renamed, digest_of(files_of(servable))}) == 3


def test_differences_are_named() -> None:
    """Missing, additional, shorter and changed files are told apart; of many the first three are named."""
    facts = {name: FileFacts(2, "a") for name in "abcde"}
    assert differences(facts, dict(facts)) is None
    found = {**facts, "b": FileFacts(1, "b"), "c": FileFacts(2, "c"), "f": FileFacts(0, "")}
    del found["a"]
    assert differences(facts, found) == (
        "a is missing, f is not in its manifest, b has 1 bytes where 2 are expected and 1 more"
    )
    assert differences({"c": facts["c"]}, {"c": found["c"]}) == "c has other bytes than were written"


def test_a_directory_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    """A missing servable is an OSError, never an empty manifest."""
    with pytest.raises(OSError, match="missing"):
        manifest_of(tmp_path / "missing")
