"""What a scheduler keeps on disk, so that another goes on where it ended."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil

from components.identity import who
from components.whole_files import write_whole
from pipeline.paths import Paths

_NAME = "scheduler.json"


@dataclass
class Attempt:
    """A run that is due or under way."""

    reasons: list[str]
    """Why, for a person."""
    since: str
    """When it came due, ISO 8601 in UTC."""
    overrides: list[str] = field(default_factory=list)
    """What the run is given with --set beside the scheduler's own."""
    times_cut_off: int = 0
    """How often a scheduler died while it was at work."""
    times_crashed: int = 0
    """How often the run's own process died."""
    is_started: bool = False


@dataclass
class Ended:
    """The last scheduled run."""

    status: str
    run_id: str | None
    reasons: list[str]
    when: str
    """ISO 8601 in UTC."""


@dataclass
class Process:
    """The scheduler that wrote the state last."""

    process: int
    created: float
    """Time of the process's start in seconds since 1970, for numbers of processes come again."""
    host: str
    user: str
    since: str
    """ISO 8601 in UTC."""

    @classmethod
    def of_this(cls, now: str) -> Process:
        """This process."""
        return cls(os.getpid(), psutil.Process().create_time(), platform.node(), who(), now)

    @property
    def is_alive(self) -> bool | None:
        """Whether it still runs; None where it runs on another machine, and nobody here can know."""
        if self.host != platform.node():
            return None
        try:
            process = psutil.Process(self.process)
            return process.create_time() == self.created and process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return False


@dataclass
class State:
    """All that a scheduler needs to know of those before it."""

    answered: str
    """Times of the cron expression up to this one have had their run; ISO 8601 in UTC."""
    seen: str | None = None
    """Fingerprint of the source when a scheduled run last started."""
    served: str | None = None
    """Fingerprint of the statistics of served images when they were last looked at."""
    num_trainings: int = 0
    """Since the last one from scratch, that one included."""
    last_overrides: list[str] = field(default_factory=list)
    """What the last run was given; another over the same data is given the same."""
    under_way: Attempt | None = None
    last: Ended | None = None
    process: Process | None = None
    """Of the scheduler; None once it has ended in order."""

    def write(self, paths: Paths) -> None:
        """Keeps the state beside the experiment's runs, whole or not at all."""
        write_whole(state_file(paths), json.dumps(asdict(self), indent=1))


def state_file(paths: Paths) -> Path:
    """Where the state is."""
    return paths.root / _NAME


def read_state(paths: Paths) -> State | None:
    """What the last scheduler has left; None where there was none, or it cannot be read."""
    try:
        content = json.loads(state_file(paths).read_text())
        parts = {"under_way": Attempt, "last": Ended, "process": Process}
        for name, part in parts.items():
            if content[name] is not None:
                content[name] = part(**content[name])
        return State(**content)
    except (OSError, ValueError, TypeError, KeyError):
        return None
