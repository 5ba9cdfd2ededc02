from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from schemas.problems import ExperimentError, Place, Problem, dotted, shown_path, suggestion


def test_an_error_prints_one_block_per_problem() -> None:
    """A problem starts with its place and path; what belongs to it is indented below."""
    place = Place("a.yaml", Path(), 7)
    problems = [
        Problem("unknown key", "x.y", place, ("known here: z", "more")),
        Problem("empty", place=Place("b.yaml", Path())),
        Problem("nowhere"),
    ]
    error = ExperimentError(problems)
    assert str(error) == "a.yaml:7: x.y: unknown key\n    known here: z\n    more\nb.yaml: empty\nnowhere"
    assert error.problems == tuple(problems)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_paths_are_shown_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file below the current directory is shown relative to it, any other in full."""
    monkeypatch.chdir(tmp_path)
    assert shown_path(tmp_path / "a" / "b.yaml") == "a/b.yaml"
    assert shown_path(Path("b.yaml")) == "b.yaml"
    assert shown_path(Path("/elsewhere/b.yaml")) == "/elsewhere/b.yaml"


def test_dotted_paths() -> None:
    """Keys are joined by dots, positions in lists stand in brackets."""
    assert dotted(("model", "filters", 1)) == "model.filters[1]"
    assert dotted(("a", 0, "b")) == "a[0].b"
    assert dotted(()) == ""


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("epohcs", "; did you mean 'epochs'?"),
        ("Epochs", "; did you mean 'epochs'?"),
        ("zzz", ""),
        (None, ""),
        (True, ""),
    ],
)
def test_suggestions(word: object, hint: str) -> None:
    """The nearest known name is suggested, whatever its case; nothing where none is near."""
    assert suggestion(word, ["batch_size", "epochs", "seed"]) == hint
