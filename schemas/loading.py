"""Loads an experiment: finds its file, follows `extends`, lays the overrides on it, validates it."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from schemas.consistency import check_consistency
from schemas.data import Data
from schemas.documents import Stated, merge, read_document, read_value, write_document
from schemas.experiment import Experiment
from schemas.places import check_places, resolve_paths
from schemas.problems import ExperimentError, Place, Problem, shown_path, suggestion
from schemas.validation import described, validate

EXPERIMENTS_DIRECTORY = Path(__file__).resolve().parent.parent / "pipeline" / "experiments"

_SUFFIXES = (".yaml", ".yml")


def load_experiment(
    name_or_path: str,
    overrides: Sequence[str] = (),
    experiments_directory: Path = EXPERIMENTS_DIRECTORY,
    *,
    require_places: bool = True,
) -> Experiment:
    """Loads an experiment with all its defaults.

    Args:
        name_or_path: a YAML file, or the name of one in `experiments_directory`.
        overrides: texts of the form `training.epochs=3`, each laid on the file in turn; the value is
            YAML, and relative paths in it start at the current directory.
        experiments_directory: where names are looked up.
        require_places: whether the files and directories that the experiment names must be there.

    Raises:
        ExperimentError: with everything that is wrong; only what keeps a file from being read ends
            the search at once, and how the values go together, and places, is looked at when all are right.
    """
    problems: list[Problem] = []
    try:
        stated = _read_chain(find_experiment(name_or_path, experiments_directory), experiments_directory, (), problems)
    except ExperimentError as error:
        raise ExperimentError([*problems, *error.problems]) from error
    return _finish(_overridden(stated, overrides, problems), problems, require_places)


def load_data(source: str, data_format: str, overrides: Sequence[str] = ()) -> Data:
    """The section `data` of an experiment that only reads a source.

    Args:
        source: directory or manifest, relative to the current directory.
        data_format: as `data.format`.
        overrides: as those of `load_experiment`, such as `data.columns.path=filename`.

    Raises:
        ExperimentError: with everything that is wrong.
    """
    problems: list[Problem] = []
    place = Place("ingest", Path.cwd())
    data = {"source": Stated(source, place), "format": Stated(data_format, place)}
    stated = Stated({"name": Stated("ingest", place), "data": Stated(data, place)}, place)
    return _finish(_overridden(stated, overrides, problems), problems, require_places=True).data


def _overridden(stated: Stated, overrides: Sequence[str], problems: list[Problem]) -> Stated:
    for override in overrides:
        try:
            stated = merge(stated, _override(override, problems))
        except ExperimentError as error:
            problems += error.problems
    return stated


def _finish(stated: Stated, problems: list[Problem], require_places: bool) -> Experiment:
    """Validates what is stated; raises ExperimentError with everything that is wrong."""
    stated = resolve_paths(stated, problems)
    experiment = validate(stated, problems)
    if experiment is None or problems:
        raise ExperimentError(sorted(problems, key=_reading_order))
    found = check_consistency(experiment) + (check_places(experiment) if require_places else [])
    if found:
        placed = [replace(problem, place=_place_of(problem.path, stated)) for problem in found]
        raise ExperimentError(sorted(placed, key=_reading_order))
    return experiment


def resolved_yaml(experiment: Experiment) -> str:
    """The experiment as YAML, every default stated; it loads as an equal experiment."""
    return write_document(experiment.model_dump(mode="json", by_alias=True))


def experiment_names(experiments_directory: Path = EXPERIMENTS_DIRECTORY) -> list[str]:
    """The names of the experiments in a directory, sorted."""
    if not experiments_directory.is_dir():
        return []
    return sorted(file.stem for file in experiments_directory.iterdir() if file.suffix in _SUFFIXES)


def find_experiment(
    name_or_path: str,
    experiments_directory: Path = EXPERIMENTS_DIRECTORY,
    stated_at: Place | None = None,
) -> Path:
    """The file of an experiment. What looks like a path is one; a name goes before a file without suffix.

    Raises:
        ExperimentError: if there is none, with the nearest and the known names.
    """
    file = (stated_at.directory if stated_at else Path.cwd()) / os.path.expanduser(name_or_path)
    names = experiment_names(experiments_directory)
    if "/" not in name_or_path and not name_or_path.endswith(_SUFFIXES):
        for suffix in _SUFFIXES:
            named = experiments_directory / f"{name_or_path}{suffix}"
            if name_or_path in names and os.path.exists(named):
                return named
        if os.path.isfile(file):
            return file
        message = f"no experiment is named {name_or_path!r}{suggestion(name_or_path, names)}"
    elif os.path.exists(file):
        return file
    else:
        neighbours = glob.glob("*.y*ml", root_dir=file.parent)
        hint = suggestion(file.name, neighbours) or suggestion(file.stem, names)
        message = f"no such file: {shown_path(file)}{hint}"
    known = (f"known experiments in {shown_path(experiments_directory)}: {', '.join(names) or 'none'}",)
    raise ExperimentError([Problem(message, "extends" if stated_at else "", stated_at, known)])


def _read_chain(file: Path, experiments_directory: Path, above: tuple[Path, ...], problems: list[Problem]) -> Stated:
    """Reads a file and what it extends; `above` are the files that led here."""
    stated = read_document(file, problems)
    assert isinstance(stated.value, dict)
    base = stated.value.pop("extends", None)
    if base is None:
        return stated
    if not isinstance(base.value, str) or not base.value:
        message = f"got {described(base.value)}; expected the name or the path of another experiment"
        raise ExperimentError([Problem(message, "extends", base.place)])
    base_file = find_experiment(base.value, experiments_directory, base.place)
    chain = (*above, file)
    if any(os.path.samefile(base_file, link) for link in chain):
        names = " -> ".join(shown_path(link) for link in (*chain, base_file))
        raise ExperimentError([Problem(f"goes in a circle: {names}; take one link out", "extends", base.place)])
    return merge(_read_chain(base_file, experiments_directory, chain, problems), stated)


def _override(override: str, problems: list[Problem]) -> Stated:
    """What a text `a.b=value` states."""
    place = Place(f"--set {override}", Path.cwd())
    key, equals, text = override.partition("=")
    keys = [part.strip() for part in key.split(".")]
    example = "expected KEY=VALUE, such as training.epochs=3"
    if not equals:
        raise ExperimentError([Problem(f"has no '='; {example}", place=place)])
    if not all(keys):
        raise ExperimentError([Problem(f"has an empty part in its key {key!r}; {example}", place=place)])
    if keys[0] == "extends":
        message = "only a file can extend another; name that file as the experiment"
        raise ExperimentError([Problem(message, place=place)])
    value = read_value(text, place, problems)
    if value is None:
        raise ExperimentError([Problem(f"gives no value; write {key}=null to unset it", place=place)])
    for part in reversed(keys):
        value = Stated({part: value}, place)
    return value


def _place_of(path: str, stated: Stated) -> Place:
    """Where a key is stated; the nearest section around it, where it is left to its default."""
    found, keys = stated, path.split(".") if path else []
    while keys and isinstance(found.value, dict):
        # Some keys have dots of their own: labels, and those of a search.
        lengths = [length for length in range(len(keys), 0, -1) if ".".join(keys[:length]) in found.value]
        if not lengths:
            break
        found, keys = found.value[".".join(keys[: lengths[0]])], keys[lengths[0] :]
    return found.place


def _reading_order(problem: Problem) -> tuple[bool, str, int]:
    place = problem.place
    return (place.line is None, place.source, place.line or 0) if place else (False, "", 0)
