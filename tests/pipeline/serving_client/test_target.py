from __future__ import annotations

import pytest

from pipeline.serving_client.target import Address, AddressError, Target, target_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://localhost:8501", Address("http", "localhost:8501")),
        ("https://models.example/vision/", Address("https", "models.example", "/vision")),
        ("grpc://[::1]:8500", Address("grpc", "[::1]:8500")),
        ("grpcs://models.example:443/", Address("grpcs", "models.example:443")),
    ],
)
def test_addresses(text: str, expected: Address) -> None:
    """Scheme, host and port, and in REST the path of a gateway."""
    assert Address.parse(text) == expected
    assert str(expected) == text.rstrip("/")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("localhost:8501", "expected http://HOST:8501 for REST, or grpc://HOST:8500"),
        ("ftp://localhost", "expected http://HOST:8501"),
        ("http://", "expected http://HOST:8501"),
        ("http://localhost:many", "Port could not be cast"),
        ("grpc://localhost", "without a port"),
        ("grpc://localhost:8500/v1", "with more than a place"),
        ("http://user:secret@localhost:8501", "with more than a place"),
        ("http://localhost:8501?x=1", "with more than a place"),
    ],
)
def test_what_is_no_address(text: str, reason: str) -> None:
    """What came, what is wrong with it, and what was expected."""
    with pytest.raises(AddressError) as caught:
        Address.parse(text)
    assert str(caught.value).startswith(f"got {text!r}")
    assert reason in str(caught.value)
    assert "expected http://HOST:8501 for REST, or grpc://HOST:8500" in str(caught.value)


def test_a_target_has_defaults() -> None:
    """The model is the experiment's, the version the newest, the patience the type's, where nothing else is stated."""
    assert target_of("flowers", None, None, None, None) is None
    address = Address("grpc", "a:1")
    assert target_of("flowers", "grpc://a:1", None, None, None) == Target(address, "flowers")
    stated = target_of("flowers", "grpc://a:1", "roses", "stable", 3)
    assert stated == Target(address, "roses", "stable", 3)


@pytest.mark.parametrize("option", ["model", "label", "timeout"])
def test_options_of_a_server_need_one(option: str) -> None:
    """None is silently without effect."""
    options = {"model": None, "label": None, "timeout": None, option: 1}
    with pytest.raises(AddressError, match=f"--{option} is for a model server; name one with --server"):
        target_of("flowers", None, **options)  # type: ignore[arg-type]
