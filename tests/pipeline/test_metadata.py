from __future__ import annotations

from pathlib import Path

import pytest
from ml_metadata import errors

from components.errors import StageError
from pipeline.metadata import PatientMetadata, file_connection, may_pass, place_of, server_connection

PASSWORD = "p@ss:w/rd"


def test_mysql() -> None:
    """Everything in the URL is understood, percent-encoded parts too; the port is MySQL's by default."""
    config = server_connection("mysql://ann:p%40ss%3Aw%2Frd@db.example/metadata?ssl_ca=/etc/ca.pem").mysql
    assert (config.host, config.port, config.database, config.user) == ("db.example", 3306, "metadata", "ann")
    assert config.password == PASSWORD
    assert config.ssl_options.ca == "/etc/ca.pem"


def test_postgresql() -> None:
    """As for MySQL."""
    config = server_connection("postgresql://ann:p%40ss%3Aw%2Frd@db.example:6432/metadata?sslmode=require").postgresql
    assert (config.host, config.port, config.dbname, config.user) == ("db.example", "6432", "metadata", "ann")
    assert config.password == PASSWORD
    assert config.ssloption.sslmode == "require"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "sqlite:///x.db",
        "mysql://ann:hush@/metadata",
        "mysql://db.example/metadata",
        "postgresql://ann:hush@db.example",
        "mysql://ann:hush@db.example:port/metadata",
    ],
)
def test_what_is_no_database(url: str) -> None:
    """The variable and the form are told, the URL and what is secret in it never."""
    with pytest.raises(StageError, match=r"DARKROOM_METADATA .*expected mysql://USER:PASSWORD@HOST:3306/") as caught:
        server_connection(url)
    assert "hush" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("mysql://ann:hush@db/metadata?sslmode=require", "sslmode; mysql:// knows ssl_ca alone"),
        ("postgresql://ann:hush@db/metadata?sslmode=require&ssl_ca=/hush", "ssl_ca; postgresql:// knows sslmode alone"),
    ],
)
def test_an_option_that_would_have_no_effect_is_refused(url: str, told: str) -> None:
    """Or a connection would be in the clear that was asked to be encrypted. Its value is not told."""
    with pytest.raises(StageError, match=f"DARKROOM_METADATA has the option {told}") as caught:
        server_connection(url)
    assert "hush" not in str(caught.value)


def test_places_hold_no_password(tmp_path: Path) -> None:
    """Where ML Metadata is can be told to anybody."""
    told = place_of(server_connection("mysql://ann:hush@db.example/metadata"))
    assert told == "the database metadata on db.example:3306 (MySQL)"
    assert place_of(file_connection(tmp_path / "metadata.db")) == f"the database {tmp_path / 'metadata.db'}"


def test_a_file_that_cannot_be_opened_is_told_at_once(tmp_path: Path) -> None:
    """Nothing is waited for where nothing can come."""
    (tmp_path / "metadata.db").mkdir()
    with (
        pytest.raises(StageError, match=r"metadata\.db cannot be used: "),
        PatientMetadata(file_connection(tmp_path / "metadata.db")),
    ):
        pass


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (errors.InternalError("mysql_query failed: errno: Lost connection to MySQL server during query"), True),
        (errors.AbortedError("x"), True),
        (errors.InternalError("database is locked"), True),
        (errors.InternalError("syntax error"), False),
        (errors.InvalidArgumentError("x"), False),
        (ValueError("locked"), False),
    ],
)
def test_which_operations_may_be_tried_again(error: Exception, passes: bool) -> None:
    """Cut connections and locks pass; mistakes stay."""
    assert may_pass(error) == passes
