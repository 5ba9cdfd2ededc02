"""A real S3 server on loopback: Versity's gateway over a directory."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.programs import free_port, go_program, wait_for_port

BUCKET = "bucket"

S3_VARIABLES = ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION")

_USER, _PASSWORD = "tester", "not-a-secret"
_END_SECONDS = 30


@contextmanager
def s3_server(root: Path, monkeypatch: pytest.MonkeyPatch, listen: str = "127.0.0.1") -> Iterator[Path]:
    """Runs a server with one bucket, and lets the environment name it.

    Args:
      root: directory for what it keeps.
      monkeypatch: sets the address and the credentials, `S3_VARIABLES`, for as long as it holds.
      listen: the address that it listens on.

    Yields:
      The directory of the bucket; each object is a file in it.
    """
    program = go_program("versitygw", "github.com/versity/versitygw/cmd/versitygw")
    bucket = root / "buckets" / BUCKET
    bucket.mkdir(parents=True)
    (root / "metadata").mkdir()
    port = free_port()
    environment = {**os.environ, "ROOT_ACCESS_KEY": _USER, "ROOT_SECRET_KEY": _PASSWORD}
    backend = ["posix", "--sidecar", str(root / "metadata"), str(bucket.parent)]
    with (root / "log").open("wb") as log:
        server = subprocess.Popen(
            [program, "--port", f"{listen}:{port}", "--quiet", *backend], env=environment, stdout=log, stderr=log
        )
    try:
        wait_for_port(server, port)
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", _USER)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", _PASSWORD)
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        yield bucket
    finally:
        server.kill()
        server.wait(timeout=_END_SECONDS)
