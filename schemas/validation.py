"""Makes an experiment of stated values, or says everything that is wrong with them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from schemas.documents import Stated, merge
from schemas.experiment import Experiment
from schemas.problems import Place, Problem, dotted, nearest, suggestion
from schemas.vocabulary import (
    JsonSchema,
    Path,
    Vocabulary,
    allowed_types,
    choices,
    description,
    expected,
    experiment_vocabulary,
    known_keys,
)

_YES_AND_NO = {"yes": "true", "y": "true", "on": "true", "no": "false", "n": "false", "off": "false"}
_OWN_RULES = ("value_error", "assertion_error")
_NOTHING = ("none", "null", "nil", "off", "no", "false")
# A key that more sections know is most likely meant where it lies the least deep.
_MOST_HOMES = 3


def validate(stated: Stated, problems: list[Problem]) -> Experiment | None:
    """The experiment; or None, after everything that is wrong was appended to `problems`.

    Misspelt keys that have a near name are read as if spelt right, so that a value under one is
    checked in the same go, and a key that it stands for is not called missing.
    """
    vocabulary = experiment_vocabulary()
    num_before = len(problems)
    refused = {(problem.path, problem.place) for problem in problems}
    while True:
        experiment, errors = _validated(stated)
        unknown = [error for error in errors if _is_unknown_key(error)]
        if not unknown:
            break
        for error in unknown:
            problem, stated = _unknown_key(error, stated, vocabulary)
            problems.append(problem)
    groups = _by_path(errors, stated, vocabulary)
    for path, group in groups.items():
        # A list with a wrong item is also called too short, and a mapping with a wrong value none of the other choices.
        is_echo = any(other[: len(path)] == path != other for other in groups)
        problem = _wrong_value(path, group, stated, vocabulary)
        # What was refused already, and is null for now, may be all that is wrong with its section.
        is_excused = (problem.path, problem.place) in refused or (
            group[0]["type"] == "value_error" and any(inner.startswith(f"{problem.path}.") for inner, _ in refused)
        )
        if not is_echo and not is_excused:
            problems.append(problem)
    return experiment if len(problems) == num_before else None


def _validated(stated: Stated) -> tuple[Experiment | None, list[Any]]:
    try:
        # Strict, for lax reading takes true for 1 and "3" for 3; from JSON, where a list may become a tuple.
        return Experiment.model_validate_json(json.dumps(stated.plain()), strict=True), []
    except ValidationError as error:
        return None, error.errors(include_url=False)


def _is_unknown_key(error: Any) -> bool:
    return bool(error["type"] == "extra_forbidden" or error["loc"][-1:] == ("[key]",))


def _unknown_key(error: Any, stated: Stated, vocabulary: Vocabulary) -> tuple[Problem, Stated]:
    location = [key for key in error["loc"] if key != "[key]"]
    key = location.pop()
    path, alternatives = vocabulary.locate(location, _is_in(stated))
    known = known_keys(alternatives)
    hint = suggestion(key, known)
    if not hint:
        homes = list(vocabulary.homes(str(key)))
        if len(homes) > _MOST_HOMES:
            homes = [home for home in homes if len(home) == min(map(len, homes))]
        hint = f"; did you mean {' or '.join(repr(dotted(home)) for home in homes)}?" if homes else ""
    value = at(stated, (*path, key))
    problem = Problem(
        f"unknown key{hint}", dotted((*path, key)), value.place if value else None, (f"known here: {', '.join(known)}",)
    )
    return problem, _with_key_renamed(stated, path, str(key), nearest(key, known))


def _with_key_renamed(stated: Stated, path: Path, key: str, name: str | None) -> Stated:
    values = stated.value
    if path and isinstance(values, dict):
        step = str(path[0])
        return replace(stated, value={**values, step: _with_key_renamed(values[step], path[1:], key, name)})
    if path and isinstance(values, list):
        items = [
            _with_key_renamed(item, path[1:], key, name) if index == path[0] else item
            for index, item in enumerate(values)
        ]
        return replace(stated, value=items)
    assert isinstance(values, dict)
    renamed = {known: value for known, value in values.items() if known != key}
    if name is not None:
        renamed[name] = merge(values[key], renamed[name]) if name in renamed else values[key]
    return replace(stated, value=renamed)


def _by_path(errors: Sequence[Any], stated: Stated, vocabulary: Vocabulary) -> dict[Path, list[Any]]:
    groups: dict[Path, list[Any]] = {}
    for error in errors:
        groups.setdefault(vocabulary.locate(error["loc"], _is_in(stated))[0], []).append(error)
    return groups


def _is_in(stated: Stated) -> Callable[[Path], bool]:
    return lambda path: at(stated, path) is not None


def _wrong_value(path: Path, errors: Sequence[Any], stated: Stated, vocabulary: Vocabulary) -> Problem:
    alternatives = vocabulary.locate(path)[1]
    value = at(stated, path)
    meaning = description(alternatives)
    details: tuple[str, ...] = (f"{path[-1]}: {meaning}",) if meaning and path else ()
    if value is None:
        section = at(stated, path[:-1]) or stated
        return Problem(f"missing; expected {expected(alternatives)}", dotted(path), section.place, details)
    if any(error["type"] in _OWN_RULES for error in errors):
        known = choices(alternatives)
        details = (f"known here: {', '.join(map(str, known))}",) if known else _origins(value)
    return Problem(refusal(value.value, errors, alternatives), dotted(path), value.place, details)


def refusal(value: Any, errors: Sequence[Any], alternatives: Sequence[JsonSchema]) -> str:
    """What came, what was expected, and how to mend it.

    Args:
        value: what was refused, without its places.
        errors: pydantic's, all about this value.
        alternatives: what the place allows.
    """
    for error in errors:
        if error["type"] in _OWN_RULES:
            return str(error["ctx"]["error"])
    return f"got {described(value)}; expected {expected(alternatives)}{_mend(value, alternatives)}"


def at(stated: Stated, path: Path) -> Stated | None:
    """What is stated at a path; None where nothing is."""
    found: Stated | None = stated
    for key in path:
        value = found.value if found else None
        if isinstance(value, dict):
            found = value.get(str(key))
        elif isinstance(value, list) and isinstance(key, int):
            found = value[key]
        else:
            return None
    return found


def _origins(section: Stated) -> tuple[str, ...]:
    """Where the keys of a section come from, if from more than one file or override."""
    if not isinstance(section.value, dict):
        return ()
    places: dict[str, Place] = {key: value.place for key, value in section.value.items()}
    if len({place.source for place in places.values()}) < 2:
        return ()
    return tuple(f"{key}: stated in {place}" for key, place in places.items())


def described(value: Any) -> str:
    """A value as a problem names what came."""
    if isinstance(value, dict):
        return f"a mapping with the keys {', '.join(value)}" if value else "an empty mapping"
    if isinstance(value, list):
        return f"a list of {len(value)}" if value else "an empty list"
    if isinstance(value, str):
        return f"the text {value!r}" if len(value) <= 60 else f"the text {value[:57] + '...'!r}"
    return json.dumps(value) if value is None or isinstance(value, bool) else f"the number {value}"


def _mend(value: Any, alternatives: Sequence[JsonSchema]) -> str:
    """How the value is likely meant to be written, or nothing."""
    types = allowed_types(alternatives)
    if value is None:
        has_default = any("default" in schema for schema in alternatives)
        return "; leave the key out for its default" if has_default else ""
    if "null" in types and str(value).lower() in _NOTHING:
        return "; write null"
    if literals := choices(alternatives):
        unquoted = [literal for literal in literals if not isinstance(literal, str) and str(literal) == value]
        return f"; write {value}, without quotes" if unquoted else suggestion(value, literals)
    if isinstance(value, str):
        return _mend_text(value, types)
    if isinstance(value, float) and not math.isfinite(value):
        return "; give a finite one"
    if "integer" in types and isinstance(value, float) and value.is_integer():
        return f"; write {value:.0f}"
    if types <= {"string", "null"} and not isinstance(value, (dict, list)):
        return "; put it in quotes if it is meant as a text"
    if "array" in types and not isinstance(value, (dict, list)):
        return f"; write [{json.dumps(value)}]"
    return ""


def _mend_text(text: str, types: set[str]) -> str:
    if "boolean" in types and text.lower() in _YES_AND_NO:
        return f"; write {_YES_AND_NO[text.lower()]}"
    if types & {"integer", "number"}:
        digits = text.replace("_", "").strip()
        try:
            float(digits)
        except ValueError:
            return ""
        return f"; write {digits}, without quotes"
    return f"; write [{text}]" if "array" in types else ""
