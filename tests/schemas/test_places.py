from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from schemas.experiment import Experiment
from schemas.loading import load_experiment
from schemas.model import WeightsFrom
from schemas.places import SCHEMAS_DIRECTORY, check_places
from tests.rights import closed

Complaints = Callable[..., list[str]]


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A source with a few files, below the current directory."""
    monkeypatch.chdir(tmp_path)
    directory = tmp_path / "flowers"
    (directory / "more").mkdir(parents=True)
    for name in ("train-0", "train-1", "test-0", "more/eval-0", ".hidden"):
        (directory / name).touch()
    return directory


def problems_of(data: Mapping[str, object], **sections: object) -> list[str]:
    return [
        str(problem) for problem in check_places(Experiment.model_validate({"name": "x", "data": data, **sections}))
    ]


def test_paths_start_at_the_file_that_states_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative path is seen from its own file, also through `extends`; in an override from the current directory."""
    base, child, here = tmp_path / "base", tmp_path / "child", tmp_path / "here"
    for directory in (base, child, here):
        directory.mkdir()
    (base / "base.yaml").write_text("name: x\ndata: {source: ../images}\nschema: {file: own.pbtxt}\n")
    (child / "child.yaml").write_text("extends: ../base/base.yaml\nschema: {file: ./own.pbtxt}\n")
    monkeypatch.chdir(here)
    experiment = load_experiment("../child/child.yaml", require_places=False)
    assert experiment.data.source == str(tmp_path / "images")
    assert experiment.schema_.file == str(child / "own.pbtxt")
    experiment = load_experiment("../child/child.yaml", ["data.source=images"], require_places=False)
    assert experiment.data.source == str(here / "images")


@pytest.mark.parametrize(
    ("stated", "resolved"),
    [
        ("gs://bucket/flowers", "gs://bucket/flowers"),
        ("s3://bucket/a/../b", "s3://bucket/a/../b"),
        ("/data/flowers/", "/data/flowers"),
        ("~/flowers", "HOME/flowers"),
        ("a b/./c", "HERE/a b/c"),
    ],
)
def test_other_paths(stated: str, resolved: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Remote paths stay as they are, absolute ones too, and ~ is the user's home."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "x.yaml").write_text(f"name: x\ndata: {{source: {stated}}}\n")
    experiment = load_experiment(str(tmp_path / "x.yaml"), require_places=False)
    assert experiment.data.source == resolved.replace("HOME", str(tmp_path / "home")).replace("HERE", str(tmp_path))


def test_paths_of_all_keys_are_resolved(tmp_path: Path) -> None:
    """The images of a manifest, statistics of serving and weights start at the file as well; placeholders stay."""
    (tmp_path / "x.yaml").write_text(
        "name: x\ndata: {source: 'a/../{SPAN}/v{VERSION:3}/*.csv', format: manifest, images: images}\n"
        "gate: {serving_statistics: stats.pb}\nmodel: {weights: {file: ../a/base.weights.h5}}\n"
    )
    experiment = load_experiment(str(tmp_path / "x.yaml"), require_places=False)
    assert experiment.data.source == f"{tmp_path}/{{SPAN}}/v{{VERSION:3}}/*.csv"
    assert experiment.data.images == f"{tmp_path}/images"
    assert experiment.gate.serving_statistics == f"{tmp_path}/stats.pb"
    assert experiment.model.weights == WeightsFrom(file=f"{tmp_path.parent}/a/base.weights.h5")


def test_only_paths_are_resolved(tmp_path: Path) -> None:
    """Texts that merely look like paths (features, patterns, labels) stay as they are."""
    (tmp_path / "x.yaml").write_text(
        "name: x\ndata: {source: /a, features: {image: image/raw}, splits: {train: train/a-*}, labels: [a/b, ../c]}\n"
    )
    data = load_experiment(str(tmp_path / "x.yaml"), require_places=False).data
    assert (data.features.image, data.splits.train, data.labels) == ("image/raw", "train/a-*", ("a/b", "../c"))


def test_a_curated_schema_goes_by_its_name(tmp_path: Path, complaints: Complaints) -> None:
    """A bare name under schema.file is one of schemas/*.pbtxt; an unknown one is refused with the known ones."""
    (tmp_path / "digits").mkdir()
    (tmp_path / "x.yaml").write_text("name: x\ndata: {dataset: digits}\nschema: {file: digits}\n")
    assert load_experiment(str(tmp_path / "x.yaml")).schema_.file == str(SCHEMAS_DIRECTORY / "digits.pbtxt")
    (problem,) = complaints("name: x\ndata: {dataset: digits}\nschema:\n  file: digit\n")
    assert problem.split("\n") == [
        "experiment.yaml:4: schema.file: no schema is named 'digit'; did you mean 'digits'?",
        "    known here: digits, fashion_mnist",
        "    a schema of your own is named by its path, ending in .pbtxt",
    ]


def test_places_that_are_there(source: Path) -> None:
    """Patterns, shares, the default of all files, embedded data sets and remote sources give no problem."""
    for splits in (
        {},
        {"train": "train-*", "eval": 0.1, "test": "test-*"},
        {"train": "train-*", "eval": "more/*", "test": 0.2},
        {"train": "t*", "eval": "*eval-?"},
        {"train": None, "eval": "more/eval-0", "test": "test-?"},
    ):
        assert problems_of({"source": str(source), "splits": splits}) == []
    assert problems_of({"dataset": "fashion_mnist", "splits": {"train": "train-*"}}) == []
    assert problems_of({"source": "gs://bucket/x"}, schema={"file": "gs://bucket/y.pbtxt"}) == []


def test_a_missing_source(source: Path) -> None:
    """A source that is not there is named as it was looked for, with the nearest name beside it."""
    missing = f"{source.parent}/flower"
    assert problems_of({"source": missing}) == [f"data.source: no such directory: {missing}; did you mean {source}?"]
    deep = f"{source.parent}/flower/a/b"
    assert problems_of({"source": deep}) == [f"data.source: no such directory: {deep}; did you mean {source}?"]
    assert problems_of({"source": "/nothing-like-it/x"}) == ["data.source: no such directory: /nothing-like-it/x"]


def test_a_source_that_is_no_directory_of_files(source: Path) -> None:
    """A file, an empty directory, and one with hidden files alone cannot be a source."""
    file = source / "train-0"
    assert problems_of({"source": str(file)}) == [
        f"data.source: {file} is a file; expected a directory of TFRecord files"
    ]
    empty = source / "empty"
    empty.mkdir()
    (empty / ".hidden").touch()
    (empty / "_SUCCESS").touch()
    (empty / ".cache").mkdir()
    (empty / ".cache" / "file").touch()
    assert problems_of({"source": str(empty)}) == [f"data.source: no file in {empty}; nothing to train on"]


def test_a_source_that_is_closed(source: Path) -> None:
    """A directory without the right to read it is told apart from a missing one, and so is one below."""
    with closed(source, source.parent):
        assert problems_of({"source": str(source)}) == [
            f"data.source: {source} cannot be read; give this user the right to"
        ]
    with closed(source / "more", source):
        assert problems_of({"source": str(source), "splits": {"train": "train-*"}}) == [
            f"data.source: {source}/more cannot be listed: Permission denied; give this user the right to"
        ]


def test_patterns_see_what_ingestion_lists(source: Path) -> None:
    """Files behind links count, and in an image folder those whose names start with _."""
    elsewhere = source.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "a").touch()
    (source / "linked").symlink_to(elsewhere)
    (source / "rose").mkdir()
    (source / "rose" / "_DSC01.jpg").touch()
    splits = {"train": "linked/*", "test": "rose/*"}
    assert problems_of({"source": str(source), "splits": {"train": "linked/*"}}) == []
    assert problems_of({"source": str(source), "splits": splits, "format": "image_folder"}) == []
    (problem,) = problems_of({"source": str(source), "splits": splits})
    assert problem.startswith(f"data.splits.test: no file in {source} matches 'rose/*'")


def test_patterns_that_take_the_wrong_files(source: Path) -> None:
    """A pattern without a file, a file in two splits, and nothing left to train on are each refused.

    As in ingestion, * crosses directories.
    """
    assert problems_of({"source": str(source), "splits": {"test": "tset-*"}}) == [
        f"data.splits.test: no file in {source} matches 'tset-*'\n    it holds: more, test-0, train-0, train-1"
    ]
    assert problems_of({"source": str(source), "splits": {"train": "mor"}}) == [
        f"data.splits.train: no file in {source} matches 'mor'\n    it holds: more, test-0, train-0, train-1"
    ]
    assert problems_of({"source": str(source), "splits": {"train": "t*", "test": "test-*"}}) == [
        "data.splits.test: 'test-*' takes test-0, which is in the split train already; no file may serve two splits"
    ]
    assert problems_of({"source": str(source), "splits": {"eval": "t*", "test": "m*"}}) == [
        f"data.source: no file in {source} that no other split takes; nothing to train on"
    ]


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("{SPAM}/*", "{SPAM} is no placeholder; did you mean 'SPAN'?\n    known here: {SPAN}, {VERSION}, {YYYY}, "),
        ("{span}/*", "{span} is no placeholder; did you mean 'SPAN'?"),
        ("{SPAN}/{VERSON:2}/*", "{VERSON} is no placeholder; did you mean 'VERSION'?"),
        ("{}/*", "{} is no placeholder\n"),
        ("{SPAN:x}/*", "{SPAN:x} has no width; write a number of digits, as {SPAN:3}"),
        ("{SPAN:}/*", "{SPAN:} has no width; write a number of digits, as {SPAN:3}"),
        ("v{VERSION}/*", "names no span; give {SPAN}, or all of {YYYY}, {MM} and {DD}"),
        ("{YYYY}/{MM}/*", "names no span; give {SPAN}, or all of {YYYY}, {MM} and {DD}"),
    ],
)
def test_placeholders_that_mean_nothing(pattern: str, message: str, source: Path) -> None:
    """A misspelt placeholder is refused with the near one, and a path must name spans, not versions alone."""
    for path in (f"{source}/{pattern}", f"gs://bucket/{pattern}"):
        (problem,) = problems_of({"source": path})
        assert problem.startswith(f"data.source: {message}")


def test_sources_with_spans(source: Path) -> None:
    """Of a source with spans the directory that they share must be there; which spans it holds is seen in the run."""
    for pattern in ("{SPAN}/*", "span-{SPAN:3}/v{VERSION}", "{YYYY}-{MM}-{DD}/*", "more/{SPAN}/labels.csv"):
        assert problems_of({"source": f"{source}/{pattern}", "splits": {"train": "x*"}}) == []
    assert problems_of({"source": f"{source}/mor/{{SPAN}}/*"}) == [
        f"data.source: no such directory: {source}/mor; did you mean {source}/more?"
    ]
    assert problems_of({"source": f"{source}/train-0/{{SPAN}}/*"}) == [
        f"data.source: {source}/train-0 is a file; expected a directory of spans"
    ]
    assert problems_of({"source": f"{source}/span-{{SPAN"}) == [f"data.source: no such directory: {source}/span-{{SPAN"]


def test_a_manifest(source: Path) -> None:
    """A manifest must be a file that is there, and its images a directory; patterns are for the paths that it holds."""
    (source / "labels.csv").touch()
    manifest = {"source": f"{source}/labels.csv", "format": "manifest"}
    assert problems_of({**manifest, "splits": {"train": "nothing*"}}) == []
    assert problems_of({**manifest, "images": str(source)}) == []
    assert problems_of({**manifest, "images": "gs://bucket/images"}) == []
    assert problems_of({**manifest, "source": f"{source}/label.csv"}) == [
        f"data.source: no such file: {source}/label.csv; did you mean {source}/labels.csv?"
    ]
    assert problems_of({**manifest, "images": f"{source}/moor"}) == [
        f"data.images: no such directory: {source}/moor; did you mean {source}/more?"
    ]
    assert problems_of({**manifest, "images": f"{source}/train-0"}) == [
        f"data.images: {source}/train-0 is a file; expected the directory of a manifest's images"
    ]


def test_a_source_of_another_format(source: Path) -> None:
    """A directory in place of a manifest, and a manifest in place of a directory, are told with what is expected."""
    assert problems_of({"source": str(source), "format": "manifest"}) == [
        f"data.source: {source} is a directory; expected a manifest, a CSV or JSON Lines file"
    ]
    for name in ("labels.csv", "labels.JSONL", "labels.tsv.gz"):
        (source / name).touch()
        for data_format, expected in (
            ("tfrecord", "a directory of TFRecord files"),
            ("image_folder", "a directory with one for each class"),
        ):
            assert problems_of({"source": f"{source}/{name}", "format": data_format}) == [
                f"data.source: {source}/{name} is a file; expected {expected}, or set data.format: manifest"
            ]


def test_an_image_folder(source: Path) -> None:
    """Patterns of splits are checked against the images of a folder as against files of records."""
    assert problems_of({"source": str(source), "format": "image_folder"}) == []
    (problem,) = problems_of({"source": str(source), "format": "image_folder", "splits": {"eval": "val/*"}})
    assert problem.startswith(f"data.splits.eval: no file in {source} matches 'val/*'")


@pytest.mark.parametrize(
    ("section", "key", "expected"),
    [
        ({"gate": {"serving_statistics": "FILE"}}, "gate.serving_statistics", "TFDV statistics"),
        ({"model": {"weights": {"file": "FILE"}}}, "model.weights.file", "a .weights.h5 or .keras file"),
        ({"schema": {"file": "FILE"}}, "schema.file", "a TFDV schema, a .pbtxt file"),
    ],
)
def test_files_of_other_sections(section: dict[str, object], key: str, expected: str, source: Path) -> None:
    """A schema, the statistics that the gate compares with, and weights to start from must be files that are there."""
    for file, problem in (
        (f"{source}/train-0", None),
        ("gs://bucket/file", None),
        (f"{source}/test", f"{key}: no such file: {source}/test; did you mean {source}/test-0?"),
        (str(source), f"{key}: {source} is a directory; expected {expected}"),
    ):
        stated = json.loads(json.dumps(section).replace("FILE", file))
        assert problems_of({"dataset": "digits"}, **stated) == ([] if problem is None else [problem])


def test_missing_places_are_problems_with_a_line(source: Path, complaints: Complaints) -> None:
    """Loading tells of missing places with their line, once all values are right; without the wish it does not look."""
    text = "name: x\ndata:\n  source: flower\n  splits:\n    eval: 0.1\nschema: {file: ./a.pbtxt}\n"
    problems = complaints(text, require_places=True)
    assert problems == [
        f"experiment.yaml:3: data.source: no such directory: {source.parent}/flower; did you mean {source}?",
        f"experiment.yaml:6: schema.file: no such file: {source.parent}/a.pbtxt",
    ]
    (problem,) = complaints(
        text, "data.source=flowers", "data.splits={test: tset-*}", "schema.file=null", require_places=True
    )
    assert problem.startswith("--set data.splits={test: tset-*}: data.splits.test: no file in ")
    assert load_experiment("experiment.yaml", require_places=False).data.source == f"{source.parent}/flower"
