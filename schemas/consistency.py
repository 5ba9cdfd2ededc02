"""What the sections of an experiment ask of each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from schemas.backbones import BACKBONES
from schemas.evaluation import Threshold
from schemas.experiment import Experiment
from schemas.model import Model, WeightsFrom
from schemas.problems import Problem, suggestion
from schemas.search_space import check_space, ends_and_values, trial_of
from schemas.training import WITH_MOMENTUM, WITH_NESTEROV

Check = Callable[[Experiment], Iterator[Problem]]

_WEIGHT_FILES = (".weights.h5", ".keras")
_SCALED_BY_FILTERS = ("small_cnn", "small_resnet")

_SPACE = "tuning.search.space"

_Limits = tuple[float | None, float | None]
# What a metric can be at all: its least and its greatest value, None where there is none.
_UNBOUNDED = {"cross_entropy": (0.0, None)}
_SHARE: _Limits = (0.0, 1.0)


def check_consistency(experiment: Experiment) -> list[Problem]:
    """Looks for values that are right alone and wrong together.

    Returns:
        A problem for each, without its place.
    """
    checks = (*_OF_EVERY_TRAINING, _check_momentum, _check_class_weights, _check_thresholds, _check_retraining)
    problems = [problem for check in checks for problem in check(experiment)]
    refused = check_space(experiment)
    problems += refused
    told = {problem.path for problem in refused}
    for check_trials in (_check_trials, _check_normalizations):
        problems += [problem for problem in check_trials(experiment) if problem.path not in told]
    return problems


def _check_size(experiment: Experiment) -> Iterator[Problem]:
    backbone, preprocessing = experiment.model.backbone, experiment.preprocessing
    smallest = BACKBONES[backbone].smallest_size
    for name, size in (("height", preprocessing.height), ("width", preprocessing.width)):
        if size < smallest:
            other = "; raise it, or set model.backbone: small_cnn" if backbone != "small_cnn" else "; raise it"
            message = f"got the number {size}; expected at least {smallest} for the backbone {backbone}{other}"
            yield Problem(message, f"preprocessing.{name}")


def _check_blocks(experiment: Experiment) -> Iterator[Problem]:
    model, preprocessing = experiment.model, experiment.preprocessing
    size = min(preprocessing.height, preprocessing.width)
    if model.backbone not in _SCALED_BY_FILTERS or size < BACKBONES[model.backbone].smallest_size:
        return
    most, asked = _most_blocks(model, size), len(model.filters)
    if asked > most:
        shape = f"{preprocessing.height} x {preprocessing.width}"
        mend = "shorten model.filters" if most else "lower model.depth, or set model.padding: same"
        message = (
            f"{asked} blocks of {model.backbone} do not fit: images of {shape} pixels have room for {most or 'none'};"
            f" {mend}, or raise preprocessing.height and width"
        )
        candidates = ("model.filters", "model.depth", "preprocessing.height", "preprocessing.width", "model.padding")
        yield Problem(message, _stated(experiment, *candidates))


def _most_blocks(model: Model, size: int) -> int:
    if model.backbone == "small_resnet":
        return size.bit_length()
    border = 2 * model.depth if model.padding == "valid" else 0
    blocks = 0
    while size - border >= 2:
        size = (size - border) // 2
        blocks += 1
    return blocks


def _check_weights(experiment: Experiment) -> Iterator[Problem]:
    backbone, weights = experiment.model.backbone, experiment.model.weights
    if weights == "imagenet" and BACKBONES[backbone].application is None:
        message = (
            f"got 'imagenet', and nobody has trained {backbone} on it; choose a backbone of keras.applications, such as"
            " mobilenet_v2, or weights of your own (file, or experiment)"
        )
        yield Problem(message, "model.weights")
    if isinstance(weights, WeightsFrom) and weights.file is not None and not weights.file.endswith(_WEIGHT_FILES):
        message = (
            f"got {weights.file!r}; expected a file that ends in .weights.h5 (the base alone) or .keras (a whole"
            " network), as the Trainer leaves them beside its model"
        )
        yield Problem(message, "model.weights.file")


def _check_start(experiment: Experiment) -> Iterator[Problem]:
    """Where the weights come from that the training starts with: one origin alone."""
    training, is_random = experiment.training, experiment.model.weights == "random"
    if training.transfer and is_random:
        message = (
            "there is nothing to transfer, for model.weights is 'random'; give weights (imagenet, file or experiment),"
            " or leave transfer out"
        )
        yield Problem(message, "training.transfer")
    if training.transfer and training.initialization:
        message = (
            "tries random weights, while training.transfer learns on from given ones; keep one of the two,"
            " and set the other to null"
        )
        yield Problem(message, "training.initialization")
    others = {
        "model.weights": not is_random,
        "training.initialization": training.initialization is not None,
        "training.transfer": training.transfer is not None,
    }
    if training.warm_start and any(others.values()):
        named = " and ".join(key for key, is_given in others.items() if is_given)
        message = f"starts from this experiment's last blessed model, and {named} from elsewhere; keep one of them"
        yield Problem(message, "training.warm_start")


def _check_feeder(experiment: Experiment) -> Iterator[Problem]:
    if experiment.training.stratified and experiment.training.feeder == "disk":
        message = "needs examples in memory to draw from, and training.feeder is 'disk'; set feeder: memory or hybrid"
        yield Problem(message, "training.stratified")


def _check_momentum(experiment: Experiment) -> Iterator[Problem]:
    training, search = experiment.training, experiment.tuning.search
    space = search.space if search else {}
    optimizers = ends_and_values(space.get("training.optimizer", (training.optimizer,)))
    named = " or ".join(map(str, optimizers))
    if training.nesterov and not set(optimizers) & set(WITH_NESTEROV):
        message = f"is a form of sgd's momentum, and training.optimizer is {named}; set optimizer: sgd, or leave it out"
        yield Problem(message, "training.nesterov")
    elif training.nesterov and not training.momentum and "training.momentum" not in space:
        message = "changes nothing while training.momentum is 0; set momentum: 0.9, or leave it out"
        yield Problem(message, "training.nesterov")
    if training.momentum and not set(optimizers) & set(WITH_MOMENTUM):
        known = " or ".join(WITH_MOMENTUM)
        message = f"is of {known}, and training.optimizer is {named}; set optimizer: {known}, or leave it out"
        yield Problem(message, "training.momentum")


def _check_class_weights(experiment: Experiment) -> Iterator[Problem]:
    weights, labels = experiment.training.class_weights, experiment.data.labels
    if not isinstance(weights, dict) or labels is None:
        return
    for label in weights:
        if label not in labels:
            details = (f"known here: {', '.join(labels)}",)
            message = f"no class of data.labels{suggestion(label, labels)}"
            yield Problem(message, f"training.class_weights.{label}", details=details)


def _check_retraining(experiment: Experiment) -> Iterator[Problem]:
    retraining = experiment.retraining
    if retraining.from_scratch_every is not None and not experiment.training.warm_start:
        message = (
            "every training starts from scratch, for training.warm_start is off; switch that on, or leave this out"
        )
        yield Problem(message, "retraining.from_scratch_every")
    if retraining.on_drift and experiment.gate.serving_statistics is None:
        message = "needs statistics of the images served; name their file in gate.serving_statistics"
        yield Problem(message, "retraining.on_drift")


def _check_thresholds(experiment: Experiment) -> Iterator[Problem]:
    evaluation = experiment.evaluation
    yield from _check_limits(evaluation.thresholds, "evaluation.thresholds")
    for index, limits in enumerate(evaluation.slice_thresholds):
        path = f"evaluation.slice_thresholds.{index}"
        yield from _check_limits(limits.thresholds, f"{path}.thresholds")
        labels = experiment.data.labels
        if limits.by == "label" and limits.value is not None and labels is not None and limits.value not in labels:
            message = f"no class of data.labels{suggestion(limits.value, labels)}"
            yield Problem(message, f"{path}.value", details=(f"known here: {', '.join(labels)}",))


def _check_limits(thresholds: Mapping[Any, Threshold], place: str) -> Iterator[Problem]:
    for metric, threshold in thresholds.items():
        least, greatest = _UNBOUNDED.get(metric, _SHARE)
        path = f"{place}.{metric}"
        if threshold.min is not None and greatest is not None and threshold.min > greatest:
            percent = f"; write {threshold.min / 100:g}" if threshold.min <= 100 * greatest else ""
            message = (
                f"got the number {threshold.min:g}; expected at most {greatest:g}, which no {metric} exceeds{percent}"
            )
            yield Problem(message, f"{path}.min")
        if threshold.max is not None and least is not None and threshold.max < least:
            message = f"got the number {threshold.max:g}; expected at least {least:g}, for no {metric} is less"
            yield Problem(message, f"{path}.max")


# What would also end a single trial of a search.
_OF_EVERY_TRAINING: tuple[Check, ...] = (_check_size, _check_blocks, _check_weights, _check_start, _check_feeder)


def _check_trials(experiment: Experiment) -> Iterator[Problem]:
    """What a search would try in vain: values that do not go with the rest of the experiment."""
    search = experiment.tuning.search
    known = {problem.message for check in _OF_EVERY_TRAINING for problem in check(experiment)}
    for key, tried in search.space.items() if search else ():
        for value in ends_and_values(tried):
            try:
                trial = trial_of(experiment, {key: value})
            except ValueError:
                # The key or the value is refused already.
                break
            found = [problem for check in _OF_EVERY_TRAINING for problem in check(trial)]
            new = [problem for problem in found if problem.message not in known]
            if new:
                yield Problem(f"with the value {value}, {new[0].path}: {new[0].message}", f"{_SPACE}.{key}")
                break


def _check_normalizations(experiment: Experiment) -> Iterator[Problem]:
    """All trials read what one Transform stage has normalised."""
    search = experiment.tuning.search
    searched = ends_and_values(search.space.get("model.backbone", ())) if search else ()
    names = dict.fromkeys((experiment.model.backbone, *map(str, searched)))
    wanted = {name: BACKBONES[name].normalization for name in names if name in BACKBONES}
    if experiment.preprocessing.normalization == "auto" and len(set(wanted.values())) > 1:
        listed = ", ".join(f"{name} for {normalization}" for name, normalization in wanted.items())
        message = f"the backbones are made for several normalizations ({listed}), and all trials share one"
        yield Problem(f"{message}; state preprocessing.normalization", f"{_SPACE}.model.backbone")


def _stated(experiment: Experiment, *paths: str) -> str:
    """The first of these keys that the experiment states rather than leaves to its default; else the first."""
    for path in paths:
        section: Any = experiment
        for key in path.split("."):
            if key not in section.model_fields_set:
                break
            section = getattr(section, key)
        else:
            return path
    return paths[0]
