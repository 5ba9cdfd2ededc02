from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from schemas.loading import load_experiment
from schemas.problems import ExperimentError

Complaints = Callable[..., list[str]]


@pytest.fixture
def complaints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Complaints:
    """Writes `text` to experiment.yaml in the current directory and gives what loading it complains of."""
    monkeypatch.chdir(tmp_path)

    def load(text: str | bytes, *overrides: str, require_places: bool = False) -> list[str]:
        content = text.encode() if isinstance(text, str) else text
        (tmp_path / "experiment.yaml").write_bytes(content)
        with pytest.raises(ExperimentError) as caught:
            load_experiment("experiment.yaml", overrides, require_places=require_places)
        assert str(caught.value) == "\n".join(map(str, caught.value.problems))
        return [str(problem) for problem in caught.value.problems]

    return load
