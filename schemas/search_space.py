"""What a search may try: keys of the experiment, by their dotted names, each with its values or its range."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence

from pydantic import ValidationError

from schemas.experiment import Experiment
from schemas.hyperparameters import Sections, apply
from schemas.problems import Problem, dotted, suggestion
from schemas.tuning import Range, Search, Value
from schemas.validation import refusal
from schemas.vocabulary import (
    JsonSchema,
    Path,
    allowed_types,
    choices,
    expected,
    experiment_vocabulary,
    known_keys,
)

LEARNING_RATE = "training.learning_rate"

_SECTIONS = ("model", "training", "augmentation")
_SCALARS = {"boolean", "integer", "number", "string"}
_NUMBERS = {"integer", "number"}
_EPOCHS = "training.epochs"


def trial_of(experiment: Experiment, values: Mapping[str, Value]) -> Experiment:
    """The experiment with other values of some keys.

    Raises:
        ValueError: a key is not known, or does not take its value; by a ValidationError that is its cause.
    """
    sections = Sections(experiment.model, experiment.training, experiment.augmentation)
    return experiment.model_copy(update=apply(sections, values)._asdict())


@functools.cache
def searchable_keys() -> tuple[str, ...]:
    """Every key that a search can vary: those of model, training and augmentation that take a single value."""
    vocabulary = experiment_vocabulary()

    def keys(path: Path, alternatives: Sequence[JsonSchema]) -> Iterator[str]:
        if choices(alternatives) or allowed_types(alternatives) & _SCALARS:
            yield dotted(path)
        for name in known_keys(alternatives):
            yield from keys((*path, name), vocabulary.under(alternatives, name))

    found = (key for section in _SECTIONS for key in keys((section,), vocabulary.under(vocabulary.root, section)))
    return tuple(key for key in found if key != _EPOCHS)


def ends_and_values(tried: Sequence[Value] | Range) -> tuple[Value, ...]:
    """The values that are tried, or the ends of their range."""
    if not isinstance(tried, Range):
        return tuple(tried)
    ends = (tried.min, tried.max)
    return tuple(int(end) if tried.whole and end.is_integer() else end for end in ends)


def check_space(experiment: Experiment) -> list[Problem]:
    """Looks whether a search can try what it is told to: known keys, with values that they take.

    Returns:
        A problem for each key that cannot be tried so, without its place.
    """
    search = experiment.tuning.search
    if search is None:
        return []
    problems = []
    for key, tried in search.space.items():
        refused = _refused_key(key) or _refused_values(experiment, key, tried)
        if refused:
            message, *details = refused
            problems.append(Problem(message, f"tuning.search.space.{key}", details=tuple(details)))
    if experiment.tuning.sweep and LEARNING_RATE in search.space and not _is_default(search):
        message = "is chosen by tuning.sweep already; leave it out here, or leave the sweep out"
        problems.append(Problem(message, f"tuning.search.space.{LEARNING_RATE}"))
    return problems


def _is_default(search: Search) -> bool:
    return search.space == Search().space


def _refused_key(key: str) -> tuple[str, ...]:
    """Why a key cannot be searched, and the known ones; nothing where it can."""
    if key in searchable_keys():
        return ()
    if key == _EPOCHS:
        return ("cannot be searched, for every trial has tuning.search.epochs epochs; set that",)
    parts = key.split(".")
    path, alternatives = experiment_vocabulary().locate(parts)
    if path != tuple(parts):
        tails = [known for known in searchable_keys() if known.rpartition(".")[2] == key]
        hint = f"; did you mean {tails[0]!r}?" if tails else suggestion(key, searchable_keys())
        known = _known_in(parts[0])
        return (f"no key of model, training or augmentation{hint}", *known)
    if parts[0] not in _SECTIONS:
        return ("cannot be searched; only keys of model, training and augmentation can",)
    if below := _known_in(key):
        return ("is a section, of which a search varies single keys; name one of them", *below)
    return (f"takes {expected(alternatives)}, and a search tries single values; try another key",)


def _known_in(section: str) -> tuple[str, ...]:
    known = [key.removeprefix(f"{section}.") for key in searchable_keys() if key.startswith(f"{section}.")]
    return (f"known in {section}: {', '.join(known)}",) if known else ()


def _refused_values(experiment: Experiment, key: str, tried: Sequence[Value] | Range) -> tuple[str, ...]:
    """Why a key cannot have these values; nothing where it can."""
    alternatives = experiment_vocabulary().locate(key.split("."))[1]
    if isinstance(tried, Range):
        numbers = allowed_types(alternatives) & _NUMBERS
        if not numbers:
            return (f"got a range; the key takes {expected(alternatives)}, so list the values to try",)
        fractions = [end for end in (tried.min, tried.max) if not end.is_integer()]
        if tried.whole and fractions:
            return (f"got a range of whole numbers that ends at {fractions[0]:g}; give it whole ends",)
        if not tried.whole and numbers == {"integer"}:
            return ("got a range of any numbers, and the key takes whole ones; add whole: true",)
    elif not tried:
        return ("got no value to try; list some, or leave the key out",)
    for value in ends_and_values(tried):
        try:
            trial_of(experiment, {key: value})
        except ValueError as error:
            cause = error.__cause__
            found = cause.errors(include_url=False) if isinstance(cause, ValidationError) else []
            return (refusal(value, found, alternatives),)
    return ()
