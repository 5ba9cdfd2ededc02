"""A server on loopback that speaks Google Cloud Storage's protocol: fake-gcs-server over a directory."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.programs import free_port, go_program, wait_for_port

BUCKET = "bucket"

_END_SECONDS = 30


@contextmanager
def gcs_server(root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Runs a server with one bucket, and lets the environment name it.

    Args:
      root: directory for what it keeps.
      monkeypatch: sets the address for as long as it holds.

    Yields:
      The directory of the bucket; each object is a file in it.
    """
    program = go_program("fake-gcs-server", "github.com/fsouza/fake-gcs-server")
    bucket = root / "buckets" / BUCKET
    bucket.mkdir(parents=True)
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    options = ["-scheme", "http", "-host", "127.0.0.1", "-port", str(port), "-external-url", address]
    kept = ["-backend", "filesystem", "-filesystem-root", str(bucket.parent), "-log-level", "error"]
    with (root / "log").open("wb") as log:
        server = subprocess.Popen([program, *options, *kept], stdout=log, stderr=log)
    try:
        wait_for_port(server, port)
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", address)
        yield bucket
    finally:
        server.kill()
        server.wait(timeout=_END_SECONDS)
