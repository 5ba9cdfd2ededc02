"""A real S3 server on loopback: Versity's gateway over a directory.

It is looked for on the path and where `go install github.com/versity/versitygw/cmd/versitygw@latest` puts it.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

BUCKET = "bucket"

_PROGRAM = "versitygw"
_USER, _PASSWORD = "tester", "not-a-secret"
_START_SECONDS = 30


def server_program() -> str:
    """Where the server is. Skips the test where it is missing; in continuous integration that is a failure."""
    places = [os.environ.get("PATH", ""), os.environ.get("GOBIN", "")]
    places += [os.path.join(root, "bin") for root in (os.environ.get("GOPATH"), os.path.expanduser("~/go")) if root]
    program = shutil.which(_PROGRAM, path=os.pathsep.join(filter(None, places)))
    if program is None:
        missing = f"{_PROGRAM} is missing: 'go install github.com/versity/versitygw/cmd/versitygw@latest' brings it"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    return program


@contextmanager
def s3_server(root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Runs a server with one bucket, and lets the environment name it.

    Args:
      root: directory for what it keeps.
      monkeypatch: sets the address and the credentials for as long as it holds.

    Yields:
      The directory of the bucket; each object is a file in it.
    """
    program = server_program()
    bucket = root / "buckets" / BUCKET
    bucket.mkdir(parents=True)
    (root / "metadata").mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = "127.0.0.1:{1}".format(*free.getsockname())
    environment = {**os.environ, "ROOT_ACCESS_KEY": _USER, "ROOT_SECRET_KEY": _PASSWORD}
    backend = ["posix", "--sidecar", str(root / "metadata"), str(bucket.parent)]
    with (root / "log").open("wb") as log:
        server = subprocess.Popen(
            [program, "--port", address, "--quiet", *backend], env=environment, stdout=log, stderr=log
        )
    try:
        _wait_for(server, address)
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{address}")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", _USER)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", _PASSWORD)
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        yield bucket
    finally:
        server.kill()
        server.wait(timeout=_START_SECONDS)


def _wait_for(server: subprocess.Popen[bytes], address: str) -> None:
    host, _, port = address.partition(":")
    end = time.monotonic() + _START_SECONDS
    while True:
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
            return
        except OSError:
            assert server.poll() is None, f"{_PROGRAM} ended with {server.returncode}"
            assert time.monotonic() < end, f"{_PROGRAM} does not answer"
            time.sleep(0.05)
