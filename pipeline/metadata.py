"""Where ML Metadata is kept: a file of the workspace, or a database server."""

from __future__ import annotations

import logging
import socket
from pathlib import Path
from typing import Annotated, TypeAlias
from urllib.parse import unquote

from ml_metadata import errors
from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2
from pydantic import AnyUrl, TypeAdapter, UrlConstraints, ValidationError
from tenacity import RetryCallState, Retrying, stop_after_delay, wait_exponential_jitter
from tfx.orchestration import metadata

from components.errors import StageError
from pipeline.postgresql import BackslashStore
from schemas.kubeflow import METADATA_VARIABLE

_EXAMPLES = "mysql://USER:PASSWORD@HOST:3306/DATABASE or postgresql://USER:PASSWORD@HOST:5432/DATABASE"
_MYSQL, _POSTGRESQL = "mysql", "postgresql"
_OPTIONS = {_MYSQL: "ssl_ca", _POSTGRESQL: "sslmode"}
_PORTS = {_MYSQL: 3306, _POSTGRESQL: 5432}
_URLS: TypeAdapter[AnyUrl] = TypeAdapter(Annotated[AnyUrl, UrlConstraints(allowed_schemes=list(_PORTS))])
_LONGEST_WAIT = 300.0
_CONNECT_SECONDS = 5.0
_REFUSALS = 5
_SIGNS_OF_A_CUT = (
    "lost connection",
    "server has gone away",
    "connection pointer is null",
    "server closed the connection",
    "terminating connection",
    "could not connect",
    "locked",
    "deadlock",
)

ConnectionConfig: TypeAlias = metadata_store_pb2.ConnectionConfig


class PatientMetadata(metadata.Metadata):
    """A connection that waits while its database is away or locked, up to five minutes."""

    def __enter__(self) -> PatientMetadata:
        """Connects.

        Raises:
          StageError: the database does not answer, or refuses.
        """
        patience = Retrying(
            retry=self._may_come,
            stop=stop_after_delay(_LONGEST_WAIT),
            wait=wait_exponential_jitter(initial=0.5, max=5),
            before_sleep=_tell,
            reraise=True,
        )
        try:
            patience(self._connect)
        except (RuntimeError, errors.StatusError) as error:
            raise StageError(f"{place_of(self._connection_config)} cannot be used: {self._reason(error)}") from error
        return self

    def _connect(self) -> None:
        kind = BackslashStore if self._connection_config.HasField(_POSTGRESQL) else MetadataStore
        self._store = kind(self._connection_config)
        self._users += 1

    def _may_come(self, state: RetryCallState) -> bool:
        error = state.outcome.exception() if state.outcome else None
        if not isinstance(error, (RuntimeError, errors.StatusError)):
            return False
        if address := _address(self._connection_config):
            # MLMD's errors say too little to tell a server that is away from one that refuses, or from another process
            # that makes the tables at the same moment.
            return not _listens(*address) or state.attempt_number < _REFUSALS
        return "locked" in str(error)

    def _reason(self, error: Exception) -> str:
        told = " ".join(str(error).split()).rpartition("with error: ")[2].strip(" ,:")
        if address := _address(self._connection_config):
            if not _listens(*address):
                return f"nothing listens there; see that the server runs, and that {METADATA_VARIABLE} is right"
            return f"it refuses ({told}); see that user, password and database in {METADATA_VARIABLE} are right"
        return told


def may_pass(error: BaseException) -> bool:
    """Whether an operation that failed may succeed once the database is there again, or no longer locked."""
    text = str(error).lower()
    cut = isinstance(error, errors.InternalError) and any(sign in text for sign in _SIGNS_OF_A_CUT)
    return cut or isinstance(error, (errors.UnavailableError, errors.AbortedError, errors.DeadlineExceededError))


def file_connection(path: Path) -> ConnectionConfig:
    """To a SQLite file, which is made where it is missing."""
    return metadata.sqlite_metadata_connection_config(str(path.absolute()))


def server_connection(url: str) -> ConnectionConfig:
    """To a MySQL, MariaDB or PostgreSQL server.

    Args:
      url: with everything in it, percent-encoded; never shown or kept. `?ssl_ca=FILE` (MySQL) and
        `?sslmode=require` or another of libpq's modes (PostgreSQL) are understood.

    Raises:
      StageError: it is no such URL. The message does not hold it, for it may hold a password.
    """
    try:
        parsed = _URLS.validate_python(url)
    except ValidationError as error:
        [reason, *_] = [item["msg"] for item in error.errors(include_input=False, include_url=False)]
        raise StageError(f"{METADATA_VARIABLE} names no database ({reason}); expected {_EXAMPLES}") from None
    database = unquote((parsed.path or "/")[1:])
    if not parsed.host or not parsed.username or not database:
        raise StageError(f"{METADATA_VARIABLE} lacks a user, a host or a database; expected {_EXAMPLES}")
    who = {"host": parsed.host, "user": unquote(parsed.username), "password": unquote(parsed.password or "")}
    options = dict(parsed.query_params())
    if unknown := sorted(set(options) - {_OPTIONS[parsed.scheme]}):
        raise StageError(
            f"{METADATA_VARIABLE} has the option {', '.join(unknown)}; {parsed.scheme}:// knows"
            f" {_OPTIONS[parsed.scheme]} alone"
        )
    if parsed.scheme == _MYSQL:
        mysql = metadata_store_pb2.MySQLDatabaseConfig(**who, database=database, port=parsed.port or _PORTS[_MYSQL])
        if "ssl_ca" in options:
            mysql.ssl_options.ca = options["ssl_ca"]
        return ConnectionConfig(mysql=mysql)
    postgresql = metadata_store_pb2.PostgreSQLDatabaseConfig(
        **who, dbname=database, port=str(parsed.port or _PORTS[_POSTGRESQL])
    )
    if "sslmode" in options:
        postgresql.ssloption.sslmode = options["sslmode"]
    return ConnectionConfig(postgresql=postgresql)


def place_of(connection: ConnectionConfig) -> str:
    """Where ML Metadata is, in words, without any password."""
    if connection.HasField(_MYSQL):
        return f"the database {connection.mysql.database} on {connection.mysql.host}:{connection.mysql.port} (MySQL)"
    if connection.HasField(_POSTGRESQL):
        config = connection.postgresql
        return f"the database {config.dbname} on {config.host}:{config.port} (PostgreSQL)"
    return f"the database {connection.sqlite.filename_uri}"


def _address(connection: ConnectionConfig) -> tuple[str, int] | None:
    """Host and port of a server; None for a file."""
    for kind in _PORTS:
        if connection.HasField(kind):
            config = getattr(connection, kind)
            return config.host, int(config.port)
    return None


def _listens(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=_CONNECT_SECONDS):
            return True
    except OSError:
        return False


def _tell(state: RetryCallState) -> None:
    logging.warning("ML Metadata does not answer, trying again: %s", state.outcome and state.outcome.exception())
