from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from schemas.experiment import Experiment
from schemas.places import check_places
from schemas.push import Batching, Push
from tests.places import touch
from tests.rights import closed


def problems_of(directory: Path | str) -> list[str]:
    """What is wrong with a place to push to."""
    stated = {"name": "x", "data": {"dataset": "digits"}, "push": {"directory": str(directory)}}
    return [str(problem) for problem in check_places(Experiment.model_validate(stated))]


@pytest.mark.parametrize("directory", ["/models/flowers", "gs://bucket/flowers", "s3://bucket/flowers", None])
def test_places_to_push_to(directory: str | None) -> None:
    """A local path, or one in an object store."""
    assert Push(directory=directory).directory == directory


@pytest.mark.parametrize("directory", ["hdfs://host/models", "file:///models", "https://bucket/models"])
def test_other_places_are_refused(directory: str) -> None:
    """Another scheme is refused by name, with those that work."""
    with pytest.raises(ValidationError, match=r"expected a local path, or one at gs:// or s3://"):
        Push(directory=directory)


def test_a_push_keeps_something() -> None:
    """The live version at the least is kept."""
    with pytest.raises(ValidationError):
        Push(keep=0)


@pytest.mark.parametrize("sizes", [(), (32,), (1, 8, 32)])
def test_allowed_batch_sizes(sizes: tuple[int, ...]) -> None:
    """They rise to the largest batch, or are left out."""
    assert Batching(max_batch_size=32, allowed_batch_sizes=sizes).allowed_batch_sizes == sizes


@pytest.mark.parametrize("sizes", [(8,), (8, 4, 32), (8, 8, 32), (32, 64)])
def test_batch_sizes_that_a_server_refuses(sizes: tuple[int, ...]) -> None:
    """What does not rise, or does not end in the largest batch, is refused before a server does."""
    with pytest.raises(ValidationError, match=r"must rise and end in max_batch_size, which is 32"):
        Batching(max_batch_size=32, allowed_batch_sizes=sizes)


def test_a_place_to_push_to_need_not_be_there(tmp_path: Path) -> None:
    """A directory that can be made is right, and so is one in an object store; a file in its way is not."""
    touch(tmp_path, "file")
    for directory in (tmp_path, tmp_path / "new" / "deep", "s3://bucket/models"):
        assert problems_of(directory) == []
    complaint = f"push.directory: {tmp_path / 'file'} is a file; expected a directory"
    for directory in (tmp_path / "file", tmp_path / "file" / "deep"):
        assert problems_of(directory) == [complaint]


def test_a_place_to_push_to_must_be_writable(tmp_path: Path) -> None:
    """A directory that this user may not write to is refused before anything runs."""
    (tmp_path / "models").mkdir()
    with closed(tmp_path / "models", below=tmp_path):
        found = problems_of(tmp_path / "models" / "flowers")
    assert found == [f"push.directory: {tmp_path / 'models'} cannot be written to; give this user the right to"]
