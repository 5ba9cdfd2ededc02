"""Looks at processes, by what Linux tells of them."""

from __future__ import annotations

from pathlib import Path


def children_of(process: int) -> set[int]:
    """Processes that `multiprocessing` has spawned for one, and that have not ended."""
    found = set()
    for directory in Path("/proc").glob("[0-9]*"):
        state = _state(int(directory.name))
        if state is not None and state[1] == process and state[0] != "Z" and _is_spawned(directory):
            found.add(int(directory.name))
    return found


def is_alive(process: int) -> bool:
    """Whether a process is there and has not ended."""
    state = _state(process)
    return state is not None and state[0] != "Z"


def _state(process: int) -> tuple[str, int] | None:
    """State and parent; None where there is no such process."""
    try:
        text = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return None
    state, parent = text.rpartition(")")[2].split()[:2]
    return state, int(parent)


def _is_spawned(directory: Path) -> bool:
    try:
        return b"spawn_main" in (directory / "cmdline").read_bytes()
    except OSError:
        return False
