"""The files and directories that an experiment names."""

from __future__ import annotations

import fnmatch
import itertools
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from schemas import vocabulary
from schemas.data import Data
from schemas.documents import Stated
from schemas.experiment import Experiment
from schemas.listing import cannot_be_listed, is_hidden, is_remote, local_files
from schemas.model import WeightsFrom
from schemas.problems import Problem, dotted, nearest, suggestion

SCHEMAS_DIRECTORY = Path(__file__).resolve().parent

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_PLACEHOLDERS = ("SPAN", "VERSION", "YYYY", "MM", "DD")
_MANIFEST_ENDINGS = (".csv", ".tsv", ".jsonl", ".ndjson", ".json")
_NUM_SHOWN = 5


def resolve_paths(stated: Stated, problems: list[Problem]) -> Stated:
    """Makes every local path absolute, seen from the directory of the file that states it.

    A bare name under `schema.file` becomes the path of that curated schema; an unknown one is
    appended to `problems`.
    """
    return _resolve(stated, (), vocabulary.experiment_vocabulary().root, problems)


def places_of(experiment: Experiment) -> dict[str, str]:
    """The paths and URLs that an experiment states, by their key, as `data.source`."""
    stated = experiment.model_dump(mode="json", by_alias=True, exclude_none=True)
    return dict(_places(stated, (), vocabulary.experiment_vocabulary().root))


def _places(
    value: object, path: vocabulary.Path, alternatives: Sequence[vocabulary.JsonSchema]
) -> Iterator[tuple[str, str]]:
    under = vocabulary.experiment_vocabulary().under
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _places(item, (*path, key), under(alternatives, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _places(item, (*path, index), under(alternatives, index))
    elif isinstance(value, str) and any(schema.get("format") == "path" for schema in alternatives):
        yield dotted(path), value


def _resolve(
    stated: Stated, path: vocabulary.Path, alternatives: Sequence[vocabulary.JsonSchema], problems: list[Problem]
) -> Stated:
    under = vocabulary.experiment_vocabulary().under
    value = stated.value
    if isinstance(value, dict):
        resolved = {k: _resolve(v, (*path, k), under(alternatives, k), problems) for k, v in value.items()}
        return replace(stated, value=resolved)
    if isinstance(value, list):
        items = [_resolve(v, (*path, i), under(alternatives, i), problems) for i, v in enumerate(value)]
        return replace(stated, value=items)
    if not isinstance(value, str) or not value or all(schema.get("format") != "path" for schema in alternatives):
        return stated
    if path == ("schema", "file") and "/" not in value and not value.endswith(".pbtxt"):
        return _curated_schema(stated, value, path, problems)
    if is_remote(value):
        return stated
    return replace(stated, value=os.path.normpath(stated.place.directory / os.path.expanduser(value)))


def _curated_schema(stated: Stated, name: str, path: vocabulary.Path, problems: list[Problem]) -> Stated:
    known = sorted(file.stem for file in SCHEMAS_DIRECTORY.glob("*.pbtxt"))
    if name not in known:
        message = f"no schema is named {name!r}{suggestion(name, known)}"
        mend = "a schema of your own is named by its path, ending in .pbtxt"
        problems.append(Problem(message, dotted(path), stated.place, (f"known here: {', '.join(known)}", mend)))
    return replace(stated, value=str(SCHEMAS_DIRECTORY / f"{name}.pbtxt"))


def check_places(experiment: Experiment) -> list[Problem]:
    """Looks whether the local files and directories that an experiment names are there.

    Remote ones and the embedded data sets are taken on trust.
    """
    problems = _check_source(experiment.data)
    if experiment.data.images is not None:
        problems += _check_directory(experiment.data.images, "data.images", "the directory of a manifest's images")
    if experiment.schema_.file is not None:
        problems += _check_schema(experiment.schema_.file)
    if experiment.gate.serving_statistics is not None:
        problems += _check_file(experiment.gate.serving_statistics, "gate.serving_statistics", "TFDV statistics")
    weights = experiment.model.weights
    if isinstance(weights, WeightsFrom) and weights.file is not None:
        problems += _check_file(weights.file, "model.weights.file", "a .weights.h5 or .keras file")
    if experiment.push.directory is not None:
        problems += _check_new_directory(experiment.push.directory, "push.directory")
    return problems


def _check_file(file: str, path: str, expected: str) -> list[Problem]:
    if is_remote(file):
        return []
    if not os.path.exists(file):
        return [Problem(f"no such file: {file}{_nearby(file)}", path)]
    if not os.path.isfile(file):
        return [Problem(f"{file} is a directory; expected {expected}", path)]
    if not os.access(file, os.R_OK):
        return [Problem(f"{file} cannot be read; give this user the right to", path)]
    return []


def _check_directory(directory: str, path: str, expected: str) -> list[Problem]:
    if is_remote(directory):
        return []
    if not os.path.exists(directory):
        return [Problem(f"no such directory: {directory}{_nearby(directory)}", path)]
    if not os.path.isdir(directory):
        return [Problem(f"{directory} is a file; expected {expected}", path)]
    if not os.access(directory, os.R_OK | os.X_OK):
        return [Problem(f"{directory} cannot be read; give this user the right to", path)]
    return []


def _check_new_directory(directory: str, path: str) -> list[Problem]:
    if is_remote(directory):
        return []
    while not os.path.lexists(directory):
        directory = os.path.dirname(directory)
    if not os.path.isdir(directory):
        return [Problem(f"{directory} is a file; expected a directory", path)]
    if not os.access(directory, os.W_OK | os.X_OK):
        return [Problem(f"{directory} cannot be written to; give this user the right to", path)]
    return []


def _check_schema(file: str) -> list[Problem]:
    if is_remote(file) or (problems := _check_file(file, "schema.file", "a TFDV schema, a .pbtxt file")):
        return [] if is_remote(file) else problems

    from google.protobuf import text_format
    from tensorflow_metadata.proto.v0 import schema_pb2

    try:
        with open(file, encoding="utf-8") as stream:
            text_format.Parse(stream.read(), schema_pb2.Schema())
    except (text_format.ParseError, UnicodeDecodeError) as error:
        return [Problem(f"{file} is no TFDV schema in protobuf's text format: {error}", "schema.file")]
    return []


def _check_source(data: Data) -> list[Problem]:
    source = data.source
    if source is None:
        return []
    if problems := _check_placeholders(source):
        return problems
    if _PLACEHOLDER.search(source):
        above = source.partition("{")[0].rpartition("/")[0]
        return _check_directory(above or "/", "data.source", "a directory of spans")
    if data.format == "manifest":
        return _check_file(source, "data.source", "a manifest, a CSV or JSON Lines file")
    expected = "a directory of TFRecord files" if data.format == "tfrecord" else "a directory with one for each class"
    problems = _check_directory(source, "data.source", expected)
    if problems and os.path.isfile(source) and source.lower().removesuffix(".gz").endswith(_MANIFEST_ENDINGS):
        problems = [replace(problems[0], message=f"{problems[0].message}, or set data.format: manifest")]
    return problems or ([] if is_remote(source) else _check_splits(source, data))


def _check_placeholders(source: str) -> list[Problem]:
    parts = [token.partition(":") for token in _PLACEHOLDER.findall(source)]
    names = [name for name, _, _ in parts]
    known = ", ".join(f"{{{name}}}" for name in _PLACEHOLDERS)
    for name, colon, width in parts:
        if colon and not (width.isascii() and width.isdigit()):
            return [Problem(f"{{{name}:{width}}} has no width; write a number of digits, as {{SPAN:3}}", "data.source")]
        if name not in _PLACEHOLDERS:
            message = f"{{{name}}} is no placeholder{suggestion(name, _PLACEHOLDERS)}"
            return [Problem(message, "data.source", details=(f"known here: {known}",))]
    if names and "SPAN" not in names and not {"YYYY", "MM", "DD"} <= set(names):
        return [Problem("names no span; give {SPAN}, or all of {YYYY}, {MM} and {DD}", "data.source")]
    return []


def _check_splits(source: str, data: Data) -> list[Problem]:
    patterns = data.splits.patterns
    try:
        files = list(itertools.islice(_files(source, data.format), None if patterns else 1))
    except OSError as error:
        return [Problem(cannot_be_listed(error, source), "data.source")]
    problems: list[Problem] = []
    takers: dict[str, str] = {}
    for split, pattern in patterns.items():
        taken = [file for file in files if fnmatch.fnmatchcase(file, pattern)]
        path = f"data.splits.{split}"
        if not taken:
            message = f"no file in {source} matches {pattern!r}"
            problems.append(Problem(message, path, details=(_contents(source),)))
        if shared := [file for file in taken if file in takers]:
            message = f"{pattern!r} takes {shared[0]}, which is in the split {takers[shared[0]]} already"
            problems.append(Problem(f"{message}; no file may serve two splits", path))
        takers.update(dict.fromkeys(taken, split))
    if "train" not in patterns and len(takers) == len(files):
        left = " that no other split takes" if takers else ""
        problems.append(Problem(f"no file in {source}{left}; nothing to train on", "data.source"))
    return problems


def _files(source: str, data_format: str) -> Iterator[str]:
    """Files below the source, relative to it, that ingestion would list."""
    start = len(source.rstrip("/")) + 1
    for path in local_files(source, data_format):
        if not is_hidden(path[start:], data_format):
            yield path[start:]


def _contents(directory: str) -> str:
    names = sorted(name for name in os.listdir(directory) if not name.startswith("."))
    more = f" and {len(names) - _NUM_SHOWN} more" if len(names) > _NUM_SHOWN else ""
    return f"it holds: {', '.join(names[:_NUM_SHOWN])}{more}" if names else "it is empty"


def _nearby(path: str) -> str:
    """The entry that a missing path most likely means, looked for where the path breaks off."""
    parent, name = os.path.split(path)
    while not os.path.exists(parent):
        parent, name = os.path.split(parent)
    near = nearest(name, os.listdir(parent)) if os.path.isdir(parent) and os.access(parent, os.R_OK) else None
    return f"; did you mean {os.path.join(parent, near)}?" if near else ""
