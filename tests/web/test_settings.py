from __future__ import annotations

import pytest

from web.settings import WebSettings, host_name


@pytest.mark.parametrize("host", ["localhost", "localhost:4319", "127.0.0.1:4319", "[::1]:4319", "LOCALHOST:80"])
def test_loopback_names_are_answered(host):
    assert WebSettings().answers_to(host)


@pytest.mark.parametrize(
    "host",
    [
        "", "evil.example", "localhost.evil.example", "localhost@evil.example", "localhost:80:90", "10.0.0.1",
        "localhost/", "localhost\\x", "localhost?", "localhost#", "local host", "localhost,evil.example", "[::1", "::1",
        "localhost:port", "l\u043ecalhost", "%6cocalhost", "0", "127.1",
    ],
)  # fmt: skip
def test_other_names_are_not(host):
    assert not WebSettings().answers_to(host)


def test_the_public_name_and_allowed_names_are_answered():
    settings = WebSettings("https://tape.example.com/tracetape", allowed_hosts=("inner",))
    assert settings.answers_to("tape.example.com")
    assert settings.answers_to("inner:8080")
    assert settings.root_path == "/tracetape"
    assert settings.is_secure


def test_bound_everywhere_only_names_are_refused():
    settings = WebSettings(host="0.0.0.0")
    assert settings.answers_to("10.0.0.7:4319")
    assert not settings.answers_to("rebound.example")


def test_a_trailing_dot_is_the_same_name():
    assert host_name("localhost.:80") == "localhost"
