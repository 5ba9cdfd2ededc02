from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from schemas.backbones import BACKBONES
from schemas.consistency import check_consistency
from schemas.experiment import Experiment
from schemas.loading import load_data, load_experiment

Complaints = Callable[..., list[str]]


def problems_of(**sections: Any) -> list[str]:
    content = {"name": "x", "data": {"dataset": "digits"}, **sections}
    return [str(problem) for problem in check_consistency(Experiment.model_validate(content))]


def size(height: int, width: int | None = None) -> dict[str, int]:
    return {"height": height, "width": width or height}


def test_every_default_goes_with_every_other() -> None:
    """An experiment that states nothing, and one with each section that is null by default, has no problem."""
    assert problems_of() == []
    assert problems_of(tuning={"sweep": {}, "search": {}, "cross_validation": {}}) == []
    assert problems_of(training={"initialization": {}}) == []
    given = {"backbone": "vgg16", "weights": "imagenet"}
    assert problems_of(model=given, training={"transfer": {"control": {}}}) == []


@pytest.mark.parametrize("backbone", BACKBONES)
def test_every_backbone_has_a_smallest_size(backbone: str) -> None:
    """One pixel less than it takes is refused, for each side; its smallest size is not."""
    smallest = BACKBONES[backbone].smallest_size
    model = {"backbone": backbone, "filters": [8]}
    assert problems_of(model=model, preprocessing=size(smallest)) == []
    for side in ("height", "width"):
        [problem] = problems_of(model=model, preprocessing={**size(smallest), side: smallest - 1})
        expected = f"got the number {smallest - 1}; expected at least {smallest} for the backbone {backbone}; raise it"
        assert problem.startswith(f"preprocessing.{side}: {expected}")
    assert len(problems_of(model=model, preprocessing=size(1))) == 2


@pytest.mark.parametrize(
    ("model", "preprocessing", "most"),
    [
        ({"backbone": "small_cnn"}, size(28), 4),
        ({"backbone": "small_cnn"}, size(32, 500), 5),
        ({"backbone": "small_cnn"}, size(31), 4),
        ({"backbone": "small_cnn", "depth": 3}, size(28), 4),
        ({"backbone": "small_cnn", "padding": "valid"}, size(28), 3),
        ({"backbone": "small_cnn", "padding": "valid", "depth": 2}, size(28), 2),
        ({"backbone": "small_resnet"}, size(28), 5),
        ({"backbone": "small_resnet"}, size(32), 6),
    ],
)
def test_blocks_that_do_not_fit(model: dict[str, Any], preprocessing: dict[str, int], most: int) -> None:
    """Each block halves the image: as many as it has room for are allowed, one more is not."""
    assert problems_of(model={**model, "filters": [8] * most}, preprocessing=preprocessing) == []
    shape = f"{preprocessing['height']} x {preprocessing['width']}"
    assert problems_of(model={**model, "filters": [8] * (most + 1)}, preprocessing=preprocessing) == [
        f"model.filters: {most + 1} blocks of {model['backbone']} do not fit: images of {shape} pixels have room for"
        f" {most}; shorten model.filters, or raise preprocessing.height and width"
    ]


def test_blocks_that_do_not_fit_are_told_where_they_come_from() -> None:
    """Where the filters are left to their default, the key that is stated is named."""
    [problem] = problems_of(preprocessing=size(3))
    assert problem.startswith("preprocessing.height: 2 blocks of small_cnn do not fit: images of 3 x 3 pixels")
    [problem] = problems_of(preprocessing=size(6), model={"depth": 3, "padding": "valid"})
    assert problem.startswith("model.depth: 2 blocks")
    assert "have room for none; lower model.depth, or set model.padding: same, or raise" in problem


@pytest.mark.parametrize("backbone", ["small_cnn", "small_resnet"])
def test_only_some_backbones_have_learned_imagenet(backbone: str) -> None:
    """Weights that nobody has cannot be asked for."""
    [problem] = problems_of(model={"backbone": backbone, "weights": "imagenet"})
    assert problem.startswith(f"model.weights: got 'imagenet', and nobody has trained {backbone} on it; choose a backb")
    assert problems_of(model={"backbone": "vgg16", "weights": "imagenet"}) == []


def test_files_of_weights_go_by_their_ending() -> None:
    """A file that Keras 3 could not read is refused, wherever it is."""
    for file in ("a/base.weights.h5", "/a/model.keras", "gs://bucket/model.keras"):
        assert problems_of(model={"weights": {"file": file}}) == []
    assert problems_of(model={"weights": {"experiment": "y"}}) == []
    for file in ("model.h5", "saved_model", "x.keras.zip"):
        [problem] = problems_of(model={"weights": {"file": file}})
        assert problem.startswith(f"model.weights.file: got '{file}'; expected a file that ends in .weights.h5 (the ")


NOTHING = (
    "there is nothing to transfer, for model.weights is 'random'; give weights (imagenet, file or experiment), or leave"
    " transfer out"
)
BOTH = (
    "tries random weights, while training.transfer learns on from given ones; keep one of the two, and set the other to"
    " null"
)


@pytest.mark.parametrize(
    ("weights", "training", "expected"),
    [
        ("random", {"transfer": {}}, {"training.transfer": NOTHING}),
        ("random", {"transfer": {"control": {}}}, {"training.transfer": NOTHING}),
        ({"experiment": "y"}, {"transfer": {}, "initialization": {}}, {"training.initialization": BOTH}),
        (
            "random",
            {"transfer": {}, "initialization": {}},
            {"training.transfer": NOTHING, "training.initialization": BOTH},
        ),
        ("random", {"warm_start": True}, {}),
        ({"experiment": "y"}, {}, {}),
        ({"experiment": "y"}, {"warm_start": True}, {"training.warm_start": "model.weights from elsewhere"}),
        (
            "random",
            {"warm_start": True, "initialization": {}},
            {"training.warm_start": "training.initialization from elsewhere"},
        ),
        (
            {"file": "x.keras"},
            {"warm_start": True, "transfer": {}},
            {"training.warm_start": "model.weights and training.transfer from elsewhere"},
        ),
    ],
)
def test_a_training_starts_from_one_place(weights: object, training: object, expected: dict[str, str]) -> None:
    """Given weights, those of the last model, tried ones and transfer go together only where that makes sense."""
    found = dict(problem.split(": ", 1) for problem in problems_of(model={"weights": weights}, training=training))
    assert found.keys() == expected.keys()
    for path, words in expected.items():
        assert words in found[path]


@pytest.mark.parametrize(
    ("training", "paths"),
    [
        ({"optimizer": "sgd", "momentum": 0.9, "nesterov": True}, []),
        ({"optimizer": "rmsprop", "momentum": 0.9}, []),
        ({"optimizer": "rmsprop", "momentum": 0.9, "nesterov": True}, ["training.nesterov"]),
        ({"optimizer": "sgd", "nesterov": True}, ["training.nesterov"]),
        ({"momentum": 0.9}, ["training.momentum"]),
        ({"optimizer": "adamw", "momentum": 0.9, "nesterov": True}, ["training.nesterov", "training.momentum"]),
    ],
)
def test_momentum_is_of_some_optimizers(training: dict[str, Any], paths: list[str]) -> None:
    """Momentum and Nesterov's form of it are refused where the optimiser would not heed them."""
    assert [problem.split(": ")[0] for problem in problems_of(training=training)] == paths


def test_a_search_may_try_optimizers_without_the_momentum() -> None:
    """Momentum is right as soon as one of the optimisers tried has it, and Nesterov's form where momentum is tried."""
    both: dict[str, Any] = {"training.optimizer": ["adam", "sgd"]}
    training = {"momentum": 0.9, "nesterov": True}
    assert problems_of(training=training, tuning={"search": {"space": both}}) == []
    assert len(problems_of(training=training, tuning={"search": {"space": {"training.optimizer": ["adam"]}}})) == 2
    tried = {**both, "training.momentum": [0, 0.9]}
    assert problems_of(training={"nesterov": True}, tuning={"search": {"space": tried}}) == []


def test_stratified_batches_need_memory() -> None:
    """From disk examples come in the order of the files."""
    assert problems_of(training={"stratified": True, "feeder": "hybrid"}) == []
    assert problems_of(training={"stratified": True, "feeder": "disk"}) == [
        "training.stratified: needs examples in memory to draw from, and training.feeder is 'disk'; set feeder: memory"
        " or hybrid"
    ]


def test_class_weights_are_of_known_classes() -> None:
    """A label that data.labels does not have is refused with the near one; mixed images may be weighted too."""
    data = {"source": "a", "labels": ["rose", "tulip"]}
    assert problems_of(data=data, training={"class_weights": {"rose": 2.0}}, augmentation={"mixup": 0.2}) == []
    assert problems_of(data=data, training={"class_weights": "balanced"}, augmentation={"cutmix": 1.0}) == []
    assert problems_of(data=data, training={"class_weights": {"tulips": 2.0}}) == [
        "training.class_weights.tulips: no class of data.labels; did you mean 'tulip'?\n    known here: rose, tulip"
    ]
    assert problems_of(training={"class_weights": {"anything": 2.0}}) == []


@pytest.mark.parametrize(
    ("metric", "limits", "problem"),
    [
        ("accuracy", {"min": 1}, None),
        ("accuracy", {"min": 0, "max": 0}, None),
        ("accuracy", {"min": 95}, "min: got the number 95; expected at most 1, which no accuracy exceeds; write 0.95"),
        ("accuracy", {"min": 101}, "min: got the number 101; expected at most 1, which no accuracy exceeds"),
        ("accuracy", {"max": -0.1}, "max: got the number -0.1; expected at least 0, for no accuracy is less"),
        ("macro_f1", {"min": 2}, "min: got the number 2; expected at most 1, which no macro_f1 exceeds; write 0.02"),
        ("cross_entropy", {"min": 7}, None),
        ("cross_entropy", {"max": -1}, "max: got the number -1; expected at least 0, for no cross_entropy is less"),
    ],
)
def test_thresholds_that_no_model_meets(metric: str, limits: dict[str, float], problem: str | None) -> None:
    """A limit outside of what the metric can be would never let a model pass."""
    expected = [] if problem is None else [f"evaluation.thresholds.{metric}.{problem}"]
    assert problems_of(evaluation={"thresholds": {metric: limits}}) == expected


def test_every_value_that_is_tried_goes_with_the_rest() -> None:
    """A search is refused for a value with which no trial could run, by what is then wrong; once for each key."""
    tried: dict[str, Any] = {"model.backbone": ["small_resnet", "xception", "inception_v3"], "model.l2": [0, 1]}
    stated = {**size(28), "normalization": "standardize"}
    assert problems_of(preprocessing=stated, tuning={"search": {"space": tried}}) == [
        "tuning.search.space.model.backbone: with the value xception, preprocessing.height: got the number 28; expected"
        " at least 71 for the backbone xception; raise it, or set model.backbone: small_cnn"
    ]
    tried = {"model.depth": {"min": 1, "max": 8, "whole": True}}
    [problem] = problems_of(model={"padding": "valid"}, preprocessing=size(28), tuning={"search": {"space": tried}})
    assert problem.startswith("tuning.search.space.model.depth: with the value 8, model.filters: 2 blocks of small_cnn")


def test_what_is_wrong_without_the_search_is_told_once() -> None:
    """A problem that the experiment has anyway is not repeated for each value, nor is a refused value tried."""
    tried = {"model.dropout": [0.1, 0.2], "model.depth": ["deep"], "model.backbon": ["vgg16"]}
    found = problems_of(preprocessing=size(1), tuning={"search": {"space": tried}})
    assert [problem.split(": ")[0] for problem in found] == [
        "preprocessing.height",
        "preprocessing.width",
        "tuning.search.space.model.depth",
        "tuning.search.space.model.backbon",
    ]


def test_backbones_that_are_tried_share_a_normalization() -> None:
    """One Transform stage serves all trials: where they would want several, the experiment must state one."""
    search = {"search": {"space": {"model.backbone": ["small_resnet", "vgg16"]}}}
    assert problems_of(tuning=search) == [
        "tuning.search.space.model.backbone: the backbones are made for several normalizations (small_cnn for"
        " standardize, small_resnet for standardize, vgg16 for imagenet_bgr), and all trials share one; state"
        " preprocessing.normalization"
    ]
    assert problems_of(tuning=search, preprocessing={"normalization": "rescale"}) == []
    assert problems_of(tuning={"search": {"space": {"model.backbone": ["small_resnet"]}}}) == []


TEXT = """name: x
data:
  source: flowers
  labels: [rose, t.u.lip]
model:
  backbone: xception
training:
  class_weights:
    t.u.lips: 2.0
tuning:
  search:
    space:
      model.dropout:
        - 2
      training.schedule.kind: [step]
preprocessing: {height: 28, width: 80}
"""


def test_everything_has_its_place(complaints: Complaints) -> None:
    """What does not go together is told with the line of its key, one with dots too, along with missing places."""
    expected = [
        "experiment.yaml:9: training.class_weights.t.u.lips: no class of data.labels; did you mean 't.u.lip'?",
        "experiment.yaml:13: tuning.search.space.model.dropout: got the number 2; expected a number of at least 0",
        "experiment.yaml:16: preprocessing.height: got the number 28; expected at least 71 for the backbone xception",
    ]
    for require_places in (False, True):
        found = complaints(TEXT, require_places=require_places)
        missing = ["experiment.yaml:3: data.source: no such directory: "] if require_places else []
        for problem, start in zip(found, [*missing, *expected], strict=True):
            assert problem.startswith(start)


def test_an_override_can_be_to_blame(complaints: Complaints) -> None:
    """A value of the command line that does not go with the file is told as such."""
    [problem] = complaints("name: x\ndata: {dataset: digits}\n", "preprocessing.width=1")
    assert problem.startswith("--set preprocessing.width=1: preprocessing.width: got the number 1; expected at least 2")


def test_wrong_values_come_first(complaints: Complaints) -> None:
    """How values go together is looked at when each is right by itself."""
    [problem] = complaints(TEXT.replace("xception", "exception"))
    assert problem.startswith("experiment.yaml:6: model.backbone: unknown backbone 'exception'")


def test_ingestion_alone_needs_no_model(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The section data of a source is read without complaints about all that is left to its default."""
    directory = tmp_path_factory.mktemp("source")
    (directory / "train-0").touch()
    assert load_data(str(directory), "tfrecord").source == str(directory)
    assert load_experiment("fashion_mnist").name == "fashion_mnist"
