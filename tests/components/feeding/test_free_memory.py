from __future__ import annotations

import os
from pathlib import Path

import pytest

from components.feeding.free_memory import free_memory

MEBIBYTE = 1 << 20


@pytest.fixture
def processes(tmp_path: Path) -> Path:
    """Linux's account of a machine with 1,000 MiB that are available, and of a process in no group."""
    (tmp_path / "proc" / "self").mkdir(parents=True)
    meminfo = f"MemTotal:  {4000 * 1024} kB\nMemFree: 100 kB\nMemAvailable:    {1000 * 1024} kB\n"
    (tmp_path / "proc" / "meminfo").write_text(meminfo)
    (tmp_path / "proc" / "self" / "cgroup").write_text("")
    return tmp_path / "proc"


def write_group(directory: Path, limit: str, used: int, cached: int, version: int = 2) -> None:
    """What a control group says of its memory, in MiB."""
    names = ("memory.max", "memory.current", "inactive_file")
    if version == 1:
        names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
    directory.mkdir(parents=True, exist_ok=True)
    (directory / names[0]).write_text(f"{limit}\n")
    (directory / names[1]).write_text(f"{used * MEBIBYTE}\n")
    (directory / "memory.stat").write_text(f"anon 5\n{names[2]} {cached * MEBIBYTE}\nactive_file 7\n")


def free(processes: Path, cgroup: str) -> float:
    (processes / "self" / "cgroup").write_text(cgroup)
    return free_memory(processes, processes.parent / "cgroup") / MEBIBYTE


def test_this_machine_has_free_memory() -> None:
    """No more than it has at all."""
    assert 1 < free_memory() <= os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def test_without_limits_all_that_is_available_is_free(processes: Path) -> None:
    """Also where the group has no limit, or is not to be seen."""
    write_group(processes.parent / "cgroup" / "mine", "max", 300, 100)
    assert free(processes, "") == 1000
    assert free(processes, "0::/mine\n") == 1000
    assert free(processes, "0::/of/another/machine\n") == 1000


def test_a_groups_limit_holds(processes: Path) -> None:
    """What is left below it; pages of files count as free. The limit of a group above holds, too."""
    groups = processes.parent / "cgroup"
    write_group(groups / "all", str(900 * MEBIBYTE), 500, 200)
    write_group(groups / "all" / "mine", str(800 * MEBIBYTE), 100, 50)
    assert free(processes, "0::/all/mine\n") == 600
    assert free(processes, "0::/all\n") == 600
    write_group(groups / "all" / "mine", str(400 * MEBIBYTE), 100, 50)
    assert free(processes, "0::/all/mine\n") == 350


def test_groups_of_version_1_are_read(processes: Path) -> None:
    """Where a container has a group of its own, the limit stands at the root."""
    write_group(processes.parent / "cgroup" / "memory", str(500 * MEBIBYTE), 100, 20, version=1)
    assert free(processes, "9:cpu:/docker/1\n8:memory:/docker/1\n0::/docker/1\n") == 420


def test_something_is_always_left(processes: Path) -> None:
    """Where the limit is reached, a byte, by which one may divide."""
    write_group(processes.parent / "cgroup", str(MEBIBYTE), 2, 0)
    assert free(processes, "0::/\n") * MEBIBYTE == 1
