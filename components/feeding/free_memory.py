"""How much memory this process may still take."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

_PROCESSES = Path("/proc")
_GROUPS = Path("/sys/fs/cgroup")


def free_memory(processes: Path = _PROCESSES, groups: Path = _GROUPS) -> int:
    """Bytes that are free, on the machine and within the limits of this process's control groups; at least 1.

    Args:
      processes: where Linux tells of memory and processes.
      groups: where it tells of control groups, of version 1 or 2.
    """
    available = re.search(r"^MemAvailable: +(\d+) kB", (processes / "meminfo").read_text(), re.MULTILINE)
    assert available, "Linux has told MemAvailable since 3.14"
    return max(1, min([int(available[1]) * 1024, *_left_by_groups(processes, groups)]))


def _left_by_groups(processes: Path, groups: Path) -> Iterator[int]:
    for line in (processes / "self" / "cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", maxsplit=2)
        if not controllers:
            root, names = groups, ("memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            root, names = groups / "memory", ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        else:
            continue
        # The limit of every group above holds, too. In a container the path may be of the machine outside.
        group = root / path.lstrip("/")
        for directory in (group, *group.parents):
            yield from _left_by_group(directory, *names)
            if directory == root:
                break


def _left_by_group(directory: Path, limit_name: str, usage_name: str, cache_name: str) -> Iterator[int]:
    """What is left below the limit, where there is one; pages of files that nobody uses make room."""
    try:
        limit = (directory / limit_name).read_text().strip()
        used = int((directory / usage_name).read_text())
        cached = re.search(rf"^{cache_name} (\d+)$", (directory / "memory.stat").read_text(), re.MULTILINE)
    except FileNotFoundError:
        return
    if limit != "max":
        yield int(limit) - used + (int(cached[1]) if cached else 0)
