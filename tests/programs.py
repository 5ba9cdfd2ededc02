"""What tests need of the machine: where the programs of servers are, and whether these listen."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Sequence
from typing import NoReturn

import pytest

_START_SECONDS = 30


def do_without(reason: str) -> NoReturn:
    """Skips the test where the machine lacks something for it; in continuous integration that is a failure."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def go_program(name: str, package: str) -> str:
    """Where a program is: on the path, or where Go puts it.

    Skips the test where it is missing; in continuous integration that is a failure.

    Args:
      name: of the program.
      package: that `go install` makes it from.
    """
    roots = (os.environ.get("GOPATH"), os.path.expanduser("~/go"))
    places = [os.environ.get("GOBIN", ""), *(os.path.join(root, "bin") for root in roots if root)]
    return _program(name, places, f"go install {package}@latest")


def debian_program(name: str, package: str) -> str:
    """Where a program of one of Debian's packages is; where it is missing, as `go_program`."""
    return _program(name, ["/usr/sbin", "/usr/local/sbin"], f"apt-get install {package}")


def _program(name: str, places: Sequence[str], remedy: str) -> str:
    path = os.pathsep.join(filter(None, [os.environ.get("PATH", ""), *places]))
    program = shutil.which(name, path=path)
    if program is None:
        do_without(f"{name} is missing: '{remedy}' brings it")
    return program


def free_port() -> int:
    """A port on loopback that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def wait_for_port(server: subprocess.Popen[bytes], port: int) -> None:
    """Waits until a server listens on loopback; fails where it ends before, or in time."""
    end = time.monotonic() + _START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            assert server.poll() is None, f"{server.args!r} ended with {server.returncode}"
            assert time.monotonic() < end, f"{server.args!r} does not answer"
            time.sleep(0.05)
