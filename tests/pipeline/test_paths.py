from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.paths import Paths, WorkspaceError


def names(directory: Path) -> list[str]:
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*"))


def test_the_places_of_the_contract(tmp_path: Path) -> None:
    """All of an experiment lies below its name; only embedded data sets are shared."""
    paths = Paths(tmp_path, "flowers")
    root = tmp_path / "flowers"
    assert (paths.root, paths.artifacts, paths.metadata) == (root, root / "artifacts", root / "metadata.db")
    assert (paths.serving, paths.runs) == (root / "serving", root / "runs")
    assert paths.quarantine == root / "quarantine"
    assert paths.datasets == tmp_path / "_datasets"


def test_no_experiment_can_take_the_data_sets_place() -> None:
    """A name starts with a letter, so none meets the directory of the data sets."""
    assert Paths(Path(), "x").datasets.name.startswith("_")


def test_prepare_makes_what_a_run_needs(tmp_path: Path) -> None:
    """The directories are made with their parents, nothing else stays, and a second time changes nothing."""
    paths = Paths(tmp_path / "new" / "workspace", "flowers")
    paths.prepare()
    (paths.runs / "kept").touch()
    paths.prepare()
    assert names(paths.workspace) == ["flowers", "flowers/artifacts", "flowers/runs", "flowers/runs/kept"]


@pytest.mark.parametrize("blocked", ["", "flowers", "flowers/runs"])
def test_a_place_that_is_a_file_is_refused(blocked: str, tmp_path: Path) -> None:
    """A file where a directory must be is named, with the reason and the mend."""
    workspace = tmp_path / "workspace"
    place = workspace / blocked
    place.parent.mkdir(parents=True, exist_ok=True)
    place.touch()
    with pytest.raises(WorkspaceError) as caught:
        Paths(workspace, "flowers").prepare()
    text = str(caught.value)
    assert text.startswith(f"the workspace {workspace} cannot be written to: ")
    assert str(place) in text
    assert text.endswith("; give another one with --workspace DIR, or change its permissions")


@pytest.mark.parametrize("place", [".", "artifacts", "runs"])
def test_every_directory_is_tried(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory that exists and cannot be written to is found before the run starts."""
    paths = Paths(tmp_path, "flowers")
    paths.prepare()
    closed = (paths.root / place).resolve()
    touch = Path.touch

    # Permissions do not bind root, who may run this.
    def refuse(self: Path, mode: int = 0o666, exist_ok: bool = True) -> None:
        if self.parent.resolve() == closed:
            raise PermissionError(13, "Permission denied", str(self))
        touch(self, mode, exist_ok)

    monkeypatch.setattr(Path, "touch", refuse)
    with pytest.raises(WorkspaceError, match="Permission denied"):
        paths.prepare()
