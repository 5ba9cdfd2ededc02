"""Podman, set up so that containers also start where the kernel or the host allows little."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

HOST = "host.containers.internal"
"""What containers call this machine."""

_START_SECONDS = 60
_UNIFIED_CGROUPS = Path("/sys/fs/cgroup/cgroup.controllers")


class Podman:
    """Calls of `podman`, all with one configuration of their own; images are kept where they always are."""

    def __init__(self, directory: Path) -> None:
        """Writes the configuration.

        Args:
          directory: for files that last as long as this object.
        """
        self._directory = directory
        self.environment = self._configured("calls", {}, {})
        """Of a process that calls `podman`, here or deeper down."""

    def __call__(self, *arguments: str, timeout: float = 300) -> str:
        """What `podman` prints on standard output.

        Raises:
          AssertionError: it fails; with what it said.
        """
        command = ["podman", *arguments]
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=False, timeout=timeout
        )
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def has_image(self, name: str) -> bool:
        """Whether there is an image of this name."""
        command = ["podman", "image", "exists", name]
        return subprocess.run(command, env=self.environment, check=False, timeout=60).returncode == 0

    @contextmanager
    def socket(self, environment: Mapping[str, str], volumes: Mapping[str, str]) -> Iterator[str]:
        """Serves the interface of Docker, as `DOCKER_HOST` names it.

        Args:
          environment: what every container finds in its own, as a pod would from its secrets.
          volumes: directories of this machine by the place where every container finds them.
        """
        # The path of a socket may not be long.
        with tempfile.TemporaryDirectory(prefix="podman-") as directory:
            file = Path(directory, "socket")
            process = subprocess.Popen(
                ["podman", "system", "service", "--time", "0", f"unix://{file}"],
                env=self._configured("service", environment, volumes),
            )
            try:
                end = time.monotonic() + _START_SECONDS
                while not file.exists():
                    assert process.poll() is None, "podman's service has ended"
                    assert time.monotonic() < end, "podman's service does not start in time"
                    time.sleep(0.1)
                yield f"unix://{file}"
            finally:
                process.terminate()
                process.wait(timeout=_START_SECONDS)

    def _configured(self, name: str, environment: Mapping[str, str], volumes: Mapping[str, str]) -> dict[str, str]:
        variables = [f"{key}={value}" for key, value in environment.items()]
        mounts = [f"{place}:{mount}" for mount, place in volumes.items()]
        lines = [
            "[containers]",
            "default_ulimits = []",  # Where the kernel refuses to raise limits, Podman's own do not start.
            f"env = {_listed(variables)}",
            f"volumes = {_listed(mounts)}",
        ]
        # crun, the usual one, refuses cgroups of the first version beside the second.
        if not _UNIFIED_CGROUPS.exists() and shutil.which("runc"):
            lines += ["[engine]", 'runtime = "runc"']
        file = self._directory / f"{name}.conf"
        file.touch(mode=0o600)
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return {**os.environ, "CONTAINERS_CONF": str(file)}


def _listed(texts: list[str]) -> str:
    escaped = [text.replace("\\", "\\\\").replace('"', '\\"') for text in texts]
    return "[" + ", ".join(f'"{text}"' for text in escaped) + "]"
