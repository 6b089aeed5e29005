from __future__ import annotations

from pathlib import Path

import pytest

from spans.errors import SettingsError
from tracetape.settings import load_settings


def test_options_beat_variables_and_variables_beat_defaults():
    settings = load_settings({"grpc_port": 1}, {"TRACETAPE_GRPC_PORT": "2", "TRACETAPE_HTTP_PORT": "3"})
    assert (settings.grpc_port, settings.http_port, settings.web_port) == (1, 3, 4319)


def test_a_misspelt_variable_is_refused_with_the_right_name():
    with pytest.raises(SettingsError, match=r"TRACETAPE_GRCP_PORT is not a setting.*TRACETAPE_GRPC_PORT\?"):
        load_settings({}, {"TRACETAPE_GRCP_PORT": "4317"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GRPC_PORT", "seventy"),
        ("WEB_PORT", "70000"),
        ("REDACTION", "maybe"),
        ("PUBLIC_URL", "example.com"),
        ("WORKERS", "-1"),
        ("CORS_ORIGINS", "https://shop.example.com/checkout"),
        ("CORS_ORIGINS", "shop.example.com"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(name, value):
    with pytest.raises(SettingsError, match=f"TRACETAPE_{name}"):
        load_settings({}, {f"TRACETAPE_{name}": value})


def test_a_secret_may_come_from_a_file(tmp_path: Path):
    secret = tmp_path / "dsn"
    secret.write_text("clickhouse://u:p@h/db\n")
    settings = load_settings({}, {"TRACETAPE_STORE_FILE": str(secret)})
    assert settings.store == "clickhouse://u:p@h/db"
    assert settings.masked()["store"] == "***"


def test_a_secret_file_that_is_missing_is_refused():
    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings({}, {"TRACETAPE_STORE_FILE": "/nowhere/at/all"})


def test_a_public_bind_always_requires_keys():
    assert load_settings({"host": "0.0.0.0"}, {}).keys_required()
    assert not load_settings({}, {}).keys_required()
    assert load_settings({"require_key": True}, {}).keys_required()


def test_content_cannot_outlive_metadata():
    with pytest.raises(SettingsError, match="content_days cannot be longer than metadata_days"):
        load_settings({"content_days": 400}, {})


def test_a_certificate_and_its_key_are_set_together():
    with pytest.raises(SettingsError, match="together"):
        load_settings({"tls_cert": "cert.pem"}, {})
    both = load_settings({"tls_cert": "cert.pem"}, {"TRACETAPE_TLS_KEY": "key.pem"})
    assert both.tls()
    assert both.otlp_scheme() == "https"
    assert load_settings({}, {}).tls() is None


def test_origins_of_browser_senders_are_listed_with_commas():
    assert load_settings({}, {}).origins() == ()
    found = load_settings({}, {"TRACETAPE_CORS_ORIGINS": "https://a.example, http://localhost:3000"})
    assert found.origins() == ("https://a.example", "http://localhost:3000")
