"""Which model is asked, where, and how patiently."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import urlsplit

REST_SCHEMES = ("http", "https")
GRPC_SCHEMES = ("grpc", "grpcs")

NUM_TRIES = 4
"""How often a request is sent at most, where the server cannot be reached or has too much to do."""
FIRST_PAUSE_SECONDS = 0.2
"""Before the second try; each further pause is twice as long."""


class AddressError(ValueError):
    """What is given as a server's address is none."""


@dataclass(frozen=True)
class Address:
    """Where a model server listens."""

    scheme: str
    """`http` or `https` for REST, `grpc` or `grpcs` for gRPC; those in s are encrypted."""
    location: str
    """Host and port, as host:8501."""
    path: str = ""
    """What stands before /v1 in REST, where a gateway adds it."""

    def __str__(self) -> str:
        return f"{self.scheme}://{self.location}{self.path}"

    @classmethod
    def parse(cls, text: str) -> Address:
        """Reads a URL.

        Raises:
          AddressError: it is none, or says what cannot be used.
        """
        expected = "expected http://HOST:8501 for REST, or grpc://HOST:8500"
        try:
            parts = urlsplit(text)
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise AddressError(f"got {text!r}, {error}; {expected}") from error
        is_grpc = parts.scheme in GRPC_SCHEMES
        if parts.scheme not in (*REST_SCHEMES, *GRPC_SCHEMES) or not host:
            raise AddressError(f"got {text!r}; {expected}")
        if parts.query or parts.fragment or parts.username or (is_grpc and parts.path.strip("/")):
            raise AddressError(f"got {text!r}, with more than a place; {expected}")
        if is_grpc and port is None:
            raise AddressError(f"got {text!r}, without a port; {expected}")
        return cls(parts.scheme, parts.netloc, parts.path.rstrip("/"))


@dataclass(frozen=True)
class Target:
    """A model on a server."""

    address: Address
    model: str
    label: str | None = None
    """Of the version that is asked, as `stable`. Default: the newest version."""
    timeout: float = 10.0
    """Seconds within which an answer must begin."""


def target_of(
    experiment: str, server: str | None, model: str | None, label: str | None, timeout: float | None
) -> Target | None:
    """What the options of a command say; None where they name no server.

    Raises:
      AddressError: `server` is no address, or the others are stated without it.
    """
    if server is not None:
        target = Target(Address.parse(server), model or experiment, label)
        return target if timeout is None else replace(target, timeout=timeout)
    stated = {"model": model, "label": label, "timeout": timeout}
    if alone := [name for name, value in stated.items() if value is not None]:
        raise AddressError(f"--{alone[0]} is for a model server; name one with --server")
    return None
