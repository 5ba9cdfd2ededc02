"""Real database servers on loopback, from Debian's packages: MariaDB and PostgreSQL."""

from __future__ import annotations

import glob
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.programs import debian_program, free_port

USER, PASSWORD, DATABASE = "darkroom", "p@ss:w/rd", "metadata"
_QUOTED_PASSWORD = "p%40ss%3Aw%2Frd"
_START_SECONDS = 60


@dataclass
class Database:
    """A server that can be stopped and started again."""

    kind: str
    url: str
    """As DARKROOM_METADATA wants it."""
    _command: Sequence[str]
    _log: Path
    _port: int
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self) -> None:
        """Starts it, and waits until it listens."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end and self._process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self._port)) == 0:
                    return
            time.sleep(0.1)
        self.stop()
        raise RuntimeError(f"{self.kind} does not start:\n{self._log.read_text(errors='replace')}")

    def stop(self) -> None:
        """Stops it at once; connections are cut."""
        if self._process is not None:
            # PostgreSQL waits for its clients after SIGTERM, and for none after SIGINT.
            self._process.send_signal(signal.SIGINT if self.kind == "postgresql" else signal.SIGTERM)
            try:
                self._process.wait(timeout=_START_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None


@contextmanager
def database(kind: str, listen: str = "127.0.0.1") -> Iterator[Database]:
    """Runs a server with a user and, for MariaDB, an empty database; PostgreSQL's is made by ML Metadata.

    Args:
      kind: mysql or postgresql.
      listen: address of this machine; 0.0.0.0 for all. What connects from elsewhere names its own way here.
    """
    # Of a short name, for the path of a socket may not be long; and where another user can reach it.
    directory = Path(tempfile.mkdtemp(prefix="darkroom-db-", dir="/tmp"))
    server = (_mariadb if kind == "mysql" else _postgresql)(directory, listen)
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(directory, ignore_errors=True)


def _mariadb(directory: Path, listen: str) -> Database:
    daemon, install = (
        debian_program("mariadbd", "mariadb-server"),
        debian_program("mariadb-install-db", "mariadb-server"),
    )
    client = debian_program("mariadb", "mariadb-server")
    data, socket_file, port = directory / "data", directory / "socket", free_port()
    user = ["--user=root"] if os.geteuid() == 0 else []
    made = [install, "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal", *user]
    subprocess.run(made, check=True, capture_output=True, timeout=300)
    # `--skip-name-resolve`, or loopback would be called localhost.
    options = [f"--datadir={data}", f"--socket={socket_file}", f"--port={port}", f"--bind-address={listen}", *user]
    server = Database(
        "mysql",
        f"mysql://{USER}:{_QUOTED_PASSWORD}@127.0.0.1:{port}/{DATABASE}",
        [daemon, "--no-defaults", *options, "--skip-name-resolve", "--innodb-flush-log-at-trx-commit=2"],
        directory / "log",
        port,
    )
    server.start()
    statements = (
        f"CREATE DATABASE {DATABASE}; CREATE USER '{USER}'@'%' IDENTIFIED BY '{PASSWORD}';"
        f" GRANT ALL ON {DATABASE}.* TO '{USER}'@'%';"
    )
    command = [client, "--no-defaults", f"--socket={socket_file}", "--user=root", "-e", statements]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return server


def _postgresql(directory: Path, listen: str) -> Database:
    installed = sorted(glob.glob("/usr/lib/postgresql/*/bin/postgres"))
    daemon = installed[-1] if installed else debian_program("postgres", "postgresql")
    initdb, port, data = str(Path(daemon).with_name("initdb")), free_port(), directory / "data"
    # PostgreSQL does not run as root.
    other = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
    if other:
        shutil.chown(directory, "postgres", "postgres")
    password = directory / "password"
    password.write_text(PASSWORD)
    password.chmod(0o644)
    made = [*other, initdb, f"--pgdata={data}", f"--username={USER}", f"--pwfile={password}", "--auth=scram-sha-256"]
    subprocess.run([*made, "--no-sync"], check=True, capture_output=True, timeout=300, cwd="/")
    options = ["-D", str(data), "-p", str(port), "-h", listen, "-k", str(directory), "-F"]
    server = Database(
        "postgresql",
        f"postgresql://{USER}:{_QUOTED_PASSWORD}@127.0.0.1:{port}/{DATABASE}",
        [*other, daemon, *options],
        directory / "log",
        port,
    )
    server.start()
    return server
