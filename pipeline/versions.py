"""The versions of an experiment: what a person and a program are told of them, and how one goes back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.errors import StageError
from components.pusher.history import Known, known_versions
from components.pusher.rollback import Rollback, UnknownVersionError, roll_back
from components.pusher.serving_directory import ServingDirectory, open_directory
from pipeline.paths import Paths
from schemas.experiment import Experiment
from schemas.problems import shown_path

ROLLED_BACK = "rolled_back"
UNCHANGED = "unchanged"
FAILED = "failed"
INVALID = "invalid"

_EXIT_STATUSES = {ROLLED_BACK: 0, UNCHANGED: 0, FAILED: 1, INVALID: 2}


@dataclass(frozen=True)
class RollbackOutcome:
    """How a rollback ended."""

    status: str
    """`rolled_back`, `unchanged`, `failed`, or `invalid` where the version is not there."""
    message: str
    serving_directory: str
    rollback: Rollback | None = None

    @property
    def exit_status(self) -> int:
        """For the process that did it."""
        return _EXIT_STATUSES[self.status]

    def to_json(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        return {
            "status": self.status,
            "from": self.rollback.before if self.rollback else None,
            "live": self.rollback.live if self.rollback else None,
            "withdrawn": list(self.rollback.withdrawn) if self.rollback else [],
            "serving_directory": self.serving_directory,
            "message": self.message,
        }


def serving_of(experiment: Experiment, paths: Paths) -> ServingDirectory:
    """Where an experiment's versions are."""
    return open_directory(paths.published(experiment))


def roll_experiment_back(experiment: Experiment, paths: Paths, to: int | None, why: str | None) -> RollbackOutcome:
    """Makes an older version live; `components.pusher.rollback` says how. Raises nothing that is a user's to mend."""
    location = paths.published(experiment)
    try:
        rollback = roll_back(open_directory(location), experiment.push, experiment.name, to, why)
    except UnknownVersionError as error:
        return RollbackOutcome(INVALID, str(error), location)
    except StageError as error:
        return RollbackOutcome(FAILED, str(error), location)
    except OSError as error:
        reason = error.strerror or str(error)
        return RollbackOutcome(FAILED, f"{shown_location(location)} cannot be changed: {reason}", location)
    live = shown_location(f"{location}/{rollback.live}")
    if rollback.before == rollback.live:
        return RollbackOutcome(UNCHANGED, f"{live} is live already", location, rollback)
    withdrawn = f", {', '.join(map(str, rollback.withdrawn))} withdrawn" if rollback.withdrawn else ""
    return RollbackOutcome(ROLLED_BACK, f"{live} is live, was {rollback.before}{withdrawn}", location, rollback)


def versions_object(serving: ServingDirectory) -> dict[str, Any]:
    """What is published, what is live, and what was rolled back by whom, when and why."""
    versions, known = serving.versions(), known_versions(serving.events())
    withdrawn = [{"version": version, **_told(known.get(version))} for version in serving.rolled_back()]
    return {
        "versions": versions,
        "live": versions[-1] if versions else None,
        "rolled_back": withdrawn,
        "serving_directory": serving.location,
    }


def describe_versions(serving: ServingDirectory) -> list[str]:
    """The same as lines for a person."""
    content = versions_object(serving)
    listed = ", ".join(map(str, content["versions"]))
    lines = [f"versions in {shown_location(serving.location)}: {f'{listed} (live)' if listed else 'none'}"]
    for item in content["rolled_back"]:
        told = ", ".join(item[key] for key in ("when", "who") if item[key])
        why = f": {item['why']}" if item["why"] else ""
        lines.append(f"rolled back: {item['version']}" + (f" ({told}{why})" if told else ""))
    return lines


def shown_location(location: str) -> str:
    """A place as a reader best finds it: a path relative to the current directory where it lies below, or a URL."""
    return location if "://" in location else shown_path(Path(location))


def _told(known: Known | None) -> dict[str, str | None]:
    if known is None:
        return {"when": None, "who": None, "why": None}
    return {"when": known.since.isoformat(timespec="seconds"), "who": known.who, "why": known.why}
