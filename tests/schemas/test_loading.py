from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from schemas.experiment import Experiment
from schemas.loading import (
    EXPERIMENTS_DIRECTORY,
    experiment_names,
    find_experiment,
    load_experiment,
    resolved_yaml,
)
from schemas.problems import ExperimentError
from schemas.training import EarlyStopping

Complaints = Callable[..., list[str]]

ROOT = Path(__file__).parents[2]
HEAD = "name: x\ndata: {dataset: digits}\n"
LOAD = """
import sys
from schemas.loading import load_experiment
load_experiment("digits")
print(*sorted({"tensorflow", "tfx", "numpy", "keras", "apache_beam"} & set(sys.modules)))
"""


@pytest.fixture
def experiments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory of experiments, beside the current one."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    directory = tmp_path / "experiments"
    directory.mkdir()
    (directory / "roses.yaml").write_text(f"{HEAD}model: {{filters: [8, 16], dropout: 0.5}}\n")
    (directory / "tulips.yml").write_text("extends: roses\nname: tulips\nmodel: {filters: [4]}\n")
    (directory / "notes.txt").touch()
    return directory


def complaint(name: str, directory: Path) -> str:
    with pytest.raises(ExperimentError) as caught:
        load_experiment(name, experiments_directory=directory)
    (problem,) = caught.value.problems
    return str(problem)


@pytest.mark.parametrize("name", experiment_names())
def test_the_experiments_of_the_repository_load(name: str) -> None:
    """Every experiment in pipeline/experiments/ is right, and has the name of its file."""
    assert load_experiment(name).name == name


def test_loading_is_light() -> None:
    """Validating an experiment imports neither TensorFlow nor TFX, nor anything else that takes its time."""
    result = subprocess.run([sys.executable, "-c", LOAD], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.split() == []


def test_an_experiment_goes_by_name_or_path(experiments: Path) -> None:
    """A name is looked up among the experiments, with either suffix; a path is taken as one."""
    assert experiment_names(experiments) == ["roses", "tulips"]
    assert find_experiment("roses", experiments) == experiments / "roses.yaml"
    assert find_experiment("tulips", experiments) == experiments / "tulips.yml"
    assert find_experiment("../experiments/roses.yaml", experiments).samefile(experiments / "roses.yaml")
    assert find_experiment("digits") == EXPERIMENTS_DIRECTORY / "digits.yaml"


def test_a_name_goes_before_what_lies_around(experiments: Path) -> None:
    """A directory that happens to be called like an experiment does not hide it; a file without suffix is found."""
    Path("roses").mkdir()
    Path("lilies").write_text(HEAD)
    assert find_experiment("roses", experiments) == experiments / "roses.yaml"
    assert find_experiment("lilies", experiments) == Path.cwd() / "lilies"
    assert load_experiment("lilies", experiments_directory=experiments).name == "x"


def test_an_unknown_experiment(experiments: Path) -> None:
    """What is not found gives the nearest name and the known ones."""
    known = f"\n    known experiments in {experiments}: roses, tulips"
    assert complaint("rose", experiments) == f"no experiment is named 'rose'; did you mean 'roses'?{known}"
    assert complaint("zzz", experiments) == f"no experiment is named 'zzz'{known}"
    assert complaint("", experiments) == f"no experiment is named ''{known}"
    assert complaint("roses.yaml", experiments) == f"no such file: roses.yaml; did you mean 'roses'?{known}"
    assert complaint("a/b", experiments) == f"no such file: a/b{known}"
    Path("lilies.yaml").touch()
    assert complaint("lillies.yaml", experiments) == f"no such file: lillies.yaml; did you mean 'lilies.yaml'?{known}"
    assert complaint("..", experiments).startswith("no experiment is named '..'")
    assert complaint("../here", experiments).endswith(
        "cannot be read: Is a directory; expected an experiment, a YAML file"
    )


def test_a_file_states_what_differs(experiments: Path) -> None:
    """`extends` takes over what is not restated, through several files: mappings merge, lists are replaced."""
    Path("mine.yaml").write_text("extends: tulips\nmodel: {dense: []}\ntraining: {early_stopping: null}\n")
    experiment = load_experiment("mine.yaml", experiments_directory=experiments)
    assert experiment.name == "tulips"
    assert (experiment.model.filters, experiment.model.dense, experiment.model.dropout) == ((4,), (), 0.5)
    assert experiment.training.early_stopping is None
    Path("again.yaml").write_text("extends: ./mine.yaml\ntraining: {early_stopping: {patience: 2}}\n")
    experiment = load_experiment("again.yaml", experiments_directory=experiments)
    assert experiment.training.early_stopping == EarlyStopping(patience=2)


def test_errors_keep_to_the_file_that_holds_them(experiments: Path) -> None:
    """In a chain of files each problem names its own file and line."""
    (experiments / "roses.yaml").write_text(f"{HEAD}gate: {{anomalies: stop}}\nmodle: {{}}\n")
    Path("mine.yaml").write_text("extends: tulips\n\ntraining: {epochs: 0}\n")
    with pytest.raises(ExperimentError) as caught:
        load_experiment("mine.yaml", experiments_directory=experiments)
    assert [str(problem).split(": ")[:2] for problem in caught.value.problems] == [
        [f"{experiments}/roses.yaml:3", "gate.anomalies"],
        [f"{experiments}/roses.yaml:4", "modle"],
        ["mine.yaml:3", "training.epochs"],
    ]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a.yaml": "extends: a.yaml\n"}, "a.yaml:1: extends: goes in a circle: a.yaml -> a.yaml; take one link out"),
        (
            {"a.yaml": "name: x\nextends: ./b.yaml\n", "b.yaml": "extends: c.yaml\n", "c.yaml": "\nextends: b.yaml\n"},
            "c.yaml:2: extends: goes in a circle: a.yaml -> b.yaml -> c.yaml -> b.yaml; take one link out",
        ),
        ({"a.yaml": "extends: rose\n"}, "a.yaml:1: extends: no experiment is named 'rose'; did you mean 'roses'?"),
        ({"a.yaml": "extends: ./b.yaml\n"}, "a.yaml:1: extends: no such file: b.yaml; did you mean 'a.yaml'?"),
        ({"a.yaml": "extends: [b]\n"}, "a.yaml:1: extends: got a list of 1; expected the name or the path of another"),
        ({"a.yaml": "extends:\n"}, "a.yaml:1: extends: got null; expected the name or the path of another experiment"),
        ({"a.yaml": "extends: b.yaml\n", "b.yaml": "- x\n"}, "b.yaml:1: holds a list; expected a mapping of keys"),
    ],
)
def test_a_chain_that_cannot_be_followed(files: dict[str, str], message: str, experiments: Path) -> None:
    """A circle, a missing file and what is no name are refused at the line of `extends`."""
    for name, text in files.items():
        Path(name).write_text(text)
    assert complaint("a.yaml", experiments).startswith(message)


@pytest.mark.parametrize(
    ("override", "value"),
    [
        ("training.epochs=3", 3),
        ("training.learning_rate=1e-3", 0.001),
        ("evaluation.thresholds.accuracy.min=0.9", 0.9),
        ("training.early_stopping=null", None),
        ("model.filters=[1, 2]", (1, 2)),
        ("data.splits={train: train-*, eval: 0.2}", None),
        ("data.columns.path=file name", "file name"),
        ("data.quarantine.max_pixels=1000", 1000),
        ("gate.max_imbalance=3", 3.0),
        ("gate.leakage=fail", "fail"),
        (" training . epochs = 3", 3),
        ("data.labels=['=', 'a=b']", ("=", "a=b")),
    ],
)
def test_an_override_states_one_key(override: str, value: object, tmp_path: Path) -> None:
    """The value of --set is YAML, and goes where the dotted key says."""
    (tmp_path / "x.yaml").write_text(HEAD)
    dumped: object = load_experiment(str(tmp_path / "x.yaml"), [override]).model_dump()
    if "splits" in override:
        assert isinstance(dumped, dict)
        assert dumped["data"]["splits"] == {"train": "train-*", "eval": 0.2, "test": "auto"}
        return
    for key in override.partition("=")[0].split("."):
        assert isinstance(dumped, dict)
        dumped = dumped[key.strip()]
    assert dumped == value


def test_overrides_apply_in_turn(tmp_path: Path) -> None:
    """A later override wins over an earlier one, and any of them over the file; their neighbours stay."""
    (tmp_path / "x.yaml").write_text(f"{HEAD}training: {{epochs: 1, seed: 7}}\n")
    overrides = ["training.epochs=2", "training={batch_size: 4}", "training.epochs=3"]
    training = load_experiment(str(tmp_path / "x.yaml"), overrides).training
    assert (training.epochs, training.batch_size, training.seed) == (3, 4, 7)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("training.epochs", "has no '='; expected KEY=VALUE, such as training.epochs=3"),
        ("=3", "has an empty part in its key ''; expected KEY=VALUE, such as training.epochs=3"),
        ("training..epochs=3", "has an empty part in its key 'training..epochs'; expected KEY=VALUE"),
        ("training.epochs=", "gives no value; write training.epochs=null to unset it"),
        ("training.epochs=#3", "gives no value; write training.epochs=null to unset it"),
        ("extends=digits", "only a file can extend another; name that file as the experiment"),
        (
            "data.source=*.x",
            "not valid YAML: expected alphabetic or numeric character, but found '.' (column 2); a text",
        ),
        ("data.splits={train: a, train: b}", "train: stated twice; keep one"),
        ("training.epohcs=3", "training.epohcs: unknown key; did you mean 'epochs'?"),
        ("training.epochs=many", "training.epochs: got the text 'many'; expected a whole number of at least 1"),
        ("name.first=x", "name: got a mapping with the keys first; expected a text that matches"),
        (
            "model.filters.0=3",
            "model.filters: got a mapping with the keys 0; expected a list of at least 1, each item a",
        ),
        ("data=null", "data: got null; expected a mapping with keys from columns, dataset,"),
    ],
)
def test_a_malformed_override(override: str, message: str, complaints: Complaints) -> None:
    """A wrong --set is a problem of its own, which quotes it."""
    (problem,) = complaints(HEAD, override)
    assert problem.startswith(f"--set {override}: {message}")


def test_malformed_overrides_are_told_with_all_the_rest(complaints: Complaints) -> None:
    """Several wrong overrides and a wrong file make one list."""
    problems = complaints(f"{HEAD}gate: {{anomalies: stop}}\n", "a", "data.source=*", "model.dropout=1")
    assert [problem.split(": ")[0] for problem in problems] == [
        "experiment.yaml:3",
        "--set a",
        "--set data.source=*",
        "--set model.dropout=1",
    ]


def test_the_resolved_experiment_loads_as_itself(tmp_path: Path) -> None:
    """`resolved_yaml` states every default, and loading it gives an equal experiment with the same digest."""
    labels = '["1e-3", "yes", "null", "0o7", "a: b", "2024-01-01", "Größe"]'
    overrides = ["training.learning_rate=1e-5", f"data.labels={labels}", "training.early_stopping=null"]
    experiment = load_experiment("fashion_mnist", overrides)
    text = resolved_yaml(experiment)
    (tmp_path / "resolved.yaml").write_text(text, encoding="utf-8")
    again = load_experiment(str(tmp_path / "resolved.yaml"))
    assert again == experiment
    assert again.digest() == experiment.digest()
    assert "shuffle_buffer: 10000\n" in text
    assert "\nschema:\n" in text
    assert "filters: [32, 64]\n" in text
    assert list(Experiment.model_fields)[-1] + ":" in text.split("\n\n")[-1]
