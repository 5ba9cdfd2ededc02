from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from schemas.documents import read_value
from schemas.problems import Place, Problem
from schemas.validation import validate

Complaints = Callable[..., list[str]]
HEAD = "name: x\ndata: {dataset: digits}\n"


@pytest.mark.parametrize("name", ["Flowers", "1st", "a b", "a/b", "", "a" * 64, "null", "3"])
def test_a_name_fits_a_directory(name: str, complaints: Complaints) -> None:
    """A name that could not serve as a directory's is refused, and told what it is for."""
    (problem,) = complaints(f"name: {name}\ndata: {{dataset: digits}}\n")
    head, meaning = problem.split("\n")
    assert head.startswith("experiment.yaml:1: name: got ")
    assert "expected a text that matches ^[a-z][a-z0-9_-]{0,62}$" in head
    assert meaning == "    name: Names the pipeline and its directory in the workspace: small letters, digits, - and _."


def test_what_is_missing_is_named(complaints: Complaints) -> None:
    """A required key that is left out is a problem of the file as a whole."""
    name, data = complaints("training: {epochs: 3}\n")
    assert name.startswith("experiment.yaml: name: missing; expected a text that matches")
    assert data.startswith("experiment.yaml: data: missing; expected a mapping with keys from columns, dataset,")


def test_every_error_at_once(complaints: Complaints) -> None:
    """All that is wrong is told in one go, in the order of the lines.

    A misspelt section or key is read as the one that it stands for: what it holds is checked, and no key is
    called missing in vain. A flaw of the YAML does not hide errors of the values.
    """
    problems = complaints(
        "nmae: x\n"
        "data:\n"
        "  sorce: /data/flowers\n"
        "  encoding: compresed\n"
        "gate: {anomalies: fail, anomalies: warn}\n"
        "preprocessing:\n"
        "  width: 3.0\n"
        "  width: 4\n"
        "trainig:\n"
        "  epohcs: many\n"
        "  learning_rate: 1e-3\n"
        "  batch_size: 0\n"
        "model: !!int small\n"
        "serving: {}\n",
        "training.sed=1",
    )
    assert [problem.split("; ")[0].split("\n")[0] for problem in problems] == [
        "experiment.yaml:1: nmae: unknown key",
        "experiment.yaml:3: data.sorce: unknown key",
        "experiment.yaml:4: data.encoding: got the text 'compresed'",
        "experiment.yaml:5: gate.anomalies: stated twice",
        "experiment.yaml:7: preprocessing.width: got the number 3.0",
        "experiment.yaml:8: preprocessing.width: stated twice (first on line 7)",
        "experiment.yaml:9: trainig: unknown key",
        "experiment.yaml:10: training.epohcs: unknown key",
        "experiment.yaml:10: training.epochs: got the text 'many'",
        "experiment.yaml:12: training.batch_size: got the number 0",
        "experiment.yaml:13: model: 'small' cannot be read as the YAML type 'int'",
        "experiment.yaml:14: serving: unknown key",
        "--set training.sed=1: training.sed: unknown key",
    ]


def test_a_misspelt_section_beside_the_right_one(complaints: Complaints) -> None:
    """What a misspelt section holds is checked also where the right one stands beside it."""
    problems = complaints(f"{HEAD}trainig: {{epochs: 0}}\ntraining: {{seed: -1}}\n")
    assert [problem.split("; ")[0] for problem in problems] == [
        "experiment.yaml:3: trainig: unknown key",
        "experiment.yaml:3: training.epochs: got the number 0",
        "experiment.yaml:4: training.seed: got the number -1",
    ]


@pytest.mark.parametrize("data", ["{dataset: !!set x}", "&all {source: *all}", "!!set {dataset: digits}"])
def test_what_is_refused_causes_no_further_errors(data: str, complaints: Complaints) -> None:
    """A value that YAML cannot make is one problem; that its key or section lacks a value is none."""
    (problem,) = complaints(f"name: x\ndata: {data}\n")
    assert "the YAML tag" in problem or "an alias" in problem


def test_only_what_has_a_default_can_be_left_out(complaints: Complaints) -> None:
    """A required key that is null is not told to be left out."""
    (problem,) = complaints("name: x\ndata:\n")
    assert problem.startswith("experiment.yaml:2: data: got null; expected a mapping")
    assert "leave the key out" not in problem


def test_no_experiment_comes_of_an_unknown_key() -> None:
    """Though read as the key that it stands for, a misspelt key never makes an experiment."""
    stated = read_value("{name: x, data: {datset: digits}}", Place("here", Path()), [])
    assert stated is not None
    problems: list[Problem] = []
    assert validate(stated, problems) is None
    assert [problem.path for problem in problems] == ["data.datset"]


def test_a_conflict_between_files_names_both(tmp_path_factory: pytest.TempPathFactory, complaints: Complaints) -> None:
    """Where keys from several places contradict each other, the problem lists where each of them stands."""
    base = tmp_path_factory.mktemp("base") / "base.yaml"
    base.write_text("name: x\ndata:\n  dataset: digits\n")
    (problem,) = complaints(f"extends: {base}\ndata:\n  source: here\n")
    assert problem.split("\n")[1:] == [
        f"    dataset: stated in {base}:3",
        "    source: stated in experiment.yaml:3",
    ]
    assert problem.startswith("experiment.yaml:2: data: give exactly one of 'source'")
    (problem,) = complaints("name: x\ndata: {source: here, dataset: digits}\n")
    assert "\n" not in problem
    (problem,) = complaints("name: x\ndata:\n  source: here\n", "data.dataset=digits")
    assert problem.split("\n")[1:] == [
        "    source: stated in experiment.yaml:3",
        "    dataset: stated in --set data.dataset=digits",
    ]
