"""Settings of `tracetape serve`: read once from options and TRACETAPE_… variables, checked, refused in one sentence."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from collector.tls import ServerTls
from insights.alerts.targets import is_blocked, is_numeric, parse_networks, webhook_host
from spans.errors import RefusedError, SettingsError
from spans.health import ForwardSignal
from web.links import parse_links

ENV_PREFIX = "TRACETAPE_"
FILE_SUFFIX = "_FILE"
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_SECRET_FIELDS = frozenset({"store", "ledger", "heartbeat_url", "forward_url", "forward_headers"})


class ServeSettings(BaseModel):
    """Everything an operator may set. Ports of 0 mean "any free port"."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data: Path = Field(default=Path("tracetape-data"), description="folder that holds everything tracetape keeps")
    host: str = Field(default="127.0.0.1", description="address the receivers and the web listen on")
    grpc_port: int = Field(default=4317, ge=0, le=65535, description="OTLP/gRPC port")
    http_port: int = Field(default=4318, ge=0, le=65535, description="OTLP/HTTP port")
    web_port: int = Field(default=4319, ge=0, le=65535, description="web and API port")
    public_url: str = Field(
        default="", description="address people use to reach the web, for links that leave the server"
    )
    workers: int = Field(default=0, ge=0, le=64, description="redaction workers; 0 means one per core")
    redaction: Literal["full", "rules", "off"] = Field(default="full", description="redaction mode")
    redaction_rules: Path | None = Field(default=None, description="YAML file with redaction rules")
    require_key: bool = Field(default=False, description="refuse senders without an ingest key, on loopback too")
    max_request_mb: int = Field(default=64, ge=1, le=512, description="largest request after decompression, in MiB")
    tls_cert: Path | None = Field(
        default=None, description="PEM file with the certificate chain of the two OTLP ports; turns TLS on for both"
    )
    tls_key: Path | None = Field(default=None, description="PEM file with the private key of that certificate")
    cors_origins: str = Field(
        default="",
        description="web sites whose pages may send telemetry, such as https://shop.example.com,https://b.example",
    )
    content_days: int = Field(default=30, ge=1, le=3650, description="days that messages and arguments are kept")
    metadata_days: int = Field(default=365, ge=1, le=3650, description="days that runs, steps and numbers are kept")
    heartbeat_url: str = Field(
        default="", description="address that is fetched after every evaluation, so that a watchdog notices its absence"
    )
    alert_networks: str = Field(
        default="", description="private networks that messages may be sent to, such as 10.0.0.0/8,127.0.0.1"
    )
    alert_group_s: int = Field(
        default=300, ge=0, le=3600, description="seconds in which a channel hears of one workflow at most once"
    )
    forward_url: str = Field(
        default="", description="OTLP/HTTP address of one other backend that gets every redacted span and log record"
    )
    forward_logs: bool = Field(default=True, description="whether log records are forwarded too, to /v1/logs")
    forward_headers: str = Field(
        default="", description="headers for it, such as Authorization=Bearer%20abc,x-team=agents"
    )
    links: str = Field(
        default="",
        description="links to other tools on the page of a run, such as Grafana=https://grafana.example.com/?trace={trace_id}",
    )
    prices: Path | None = Field(default=None, description="YAML file with prices that go before the bundled list")
    workflow_rules: Path | None = Field(default=None, description="YAML file with rules for the names of workflows")
    store: str = Field(default="", description="store address; empty means the embedded engine inside the data folder")
    ledger: str = Field(default="", description="ledger address; empty means a SQLite file inside the data folder")

    @field_validator("public_url")
    @classmethod
    def _check_public_url(cls, value: str) -> str:
        if value and (urlsplit(value).scheme not in {"http", "https"} or not urlsplit(value).netloc):
            raise ValueError("write it like https://tracetape.example.com")
        return value.rstrip("/")

    @field_validator("cors_origins")
    @classmethod
    def _check_origins(cls, value: str) -> str:
        for origin in filter(None, (one.strip() for one in value.split(","))):
            parts = urlsplit(origin)
            if origin != "*" and (
                parts.scheme not in {"http", "https"} or origin != f"{parts.scheme}://{parts.netloc}"
            ):
                raise ValueError("write it like https://shop.example.com, without a path; several with commas between")
        return value

    @field_validator("alert_networks")
    @classmethod
    def _check_networks(cls, value: str) -> str:
        try:
            parse_networks(value.split(","))
        except ValueError as error:
            raise ValueError(f"{error}; write it like 10.0.0.0/8,127.0.0.1") from None
        return value

    @field_validator("links")
    @classmethod
    def _check_links(cls, value: str) -> str:
        try:
            parse_links(value)
        except RefusedError as error:
            raise ValueError(str(error)) from None
        return value

    @field_validator("forward_url")
    @classmethod
    def _check_forward_url(cls, value: str) -> str:
        if value:
            try:
                webhook_host(value)
            except RefusedError:
                raise ValueError(
                    "write it like https://otlp.example.com:4318, without user, password and spaces"
                ) from None
        return value.rstrip("/")

    @field_validator("forward_headers")
    @classmethod
    def _check_forward_headers(cls, value: str) -> str:
        headers_of(value)
        return value

    @model_validator(mode="after")
    def _check_forward_target(self) -> Self:
        host = webhook_host(self.forward_url)[0] if self.forward_url else ""
        if is_numeric(host) and is_blocked(host, parse_networks(self.alert_networks.split(","))):
            raise ValueError(
                "forward_url lies inside a private network; if that is meant, allow it with "
                "TRACETAPE_ALERT_NETWORKS, such as 10.0.0.0/8"
            )
        return self

    @model_validator(mode="after")
    def _check_periods(self) -> Self:
        if self.content_days > self.metadata_days:
            raise ValueError("content_days cannot be longer than metadata_days")
        return self

    @model_validator(mode="after")
    def _check_tls(self) -> Self:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("tls_cert and tls_key are set together, or neither")
        return self

    def forward_signals(self) -> tuple[ForwardSignal, ...]:
        """What is forwarded."""
        return ("spans", "logs") if self.forward_logs else ("spans",)

    def forward_header_map(self) -> dict[str, str]:
        """Headers of every forwarded request."""
        return headers_of(self.forward_headers)

    def tls(self) -> ServerTls | None:
        """The certificate of the OTLP ports; None when they are not encrypted."""
        return ServerTls(self.tls_cert, self.tls_key) if self.tls_cert and self.tls_key else None

    def origins(self) -> tuple[str, ...]:
        """Origins of browser senders; none means CORS is off."""
        return tuple(filter(None, (one.strip() for one in self.cors_origins.split(","))))

    def otlp_scheme(self) -> str:
        """How the address of an OTLP port begins."""
        return "https" if self.tls_cert else "http"

    def is_loopback(self) -> bool:
        """Whether only this machine can reach the receivers."""
        return self.host in _LOOPBACK

    def keys_required(self) -> bool:
        """A public bind always requires keys; on loopback the operator decides."""
        return self.require_key or not self.is_loopback()

    def masked(self) -> dict[str, object]:
        """Every setting for display; addresses that may hold a password show as stars."""
        shown = self.model_dump(mode="json")
        return {k: ("***" if k in _SECRET_FIELDS and v else v) for k, v in shown.items()}


def headers_of(text: str) -> dict[str, str]:
    """Headers written as OpenTelemetry's SDKs write them: `name=value,name=value`, values percent-encoded.

    Raises:
        ValueError: not so written.
    """
    found: dict[str, str] = {}
    for pair in filter(None, (one.strip() for one in text.split(","))):
        name, equals, value = pair.partition("=")
        value = unquote(value.strip())
        if not equals or not _HEADER.fullmatch(name.strip()) or not value.isprintable() or not value.isascii():
            raise ValueError("write it like Authorization=Bearer%20abc,x-team=agents")
        found[name.strip()] = value
    return found


def load_settings(options: Mapping[str, object], environ: Mapping[str, str] | None = None) -> ServeSettings:
    """Merge defaults, TRACETAPE_… variables (also from NAME_FILE) and options, in growing strength.

    Raises:
        SettingsError: an unknown variable or a value that cannot be used; one sentence.
    """
    env = os.environ if environ is None else environ
    merged: dict[str, object] = dict(_from_environ(env))
    merged.update({k: v for k, v in options.items() if v is not None})
    try:
        return ServeSettings.model_validate(merged)
    except ValidationError as error:
        first = error.errors()[0]
        message = str(first["msg"]).removeprefix("Value error, ")
        if not first["loc"]:
            raise SettingsError(f"The settings do not fit together: {message}.") from None
        name = str(first["loc"][0])
        shown = "***" if name in _SECRET_FIELDS else repr(first.get("input"))
        raise SettingsError(
            f"The setting {name} is {shown}: {message}. Set --{name.replace('_', '-')} or {ENV_PREFIX}{name.upper()}."
        ) from None


def _from_environ(env: Mapping[str, str]) -> dict[str, str]:
    known = set(ServeSettings.model_fields)
    found: dict[str, str] = {}
    for key, raw in env.items():
        if not key.startswith(ENV_PREFIX):
            continue
        name = key.removeprefix(ENV_PREFIX).lower()
        if name in known:
            found[name] = raw
        elif name.endswith(FILE_SUFFIX.lower()) and name.removesuffix(FILE_SUFFIX.lower()) in known:
            found[name.removesuffix(FILE_SUFFIX.lower())] = _read_secret(key, raw)
        else:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f" Did you mean {ENV_PREFIX}{close[0].upper()}?" if close else ""
            raise SettingsError(f"{key} is not a setting of tracetape.{hint}")
    return found


def _read_secret(key: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsError(f"{key} names {path}, which cannot be read: {error.strerror}.") from None


def secret_of(reference: str, environ: Mapping[str, str] | None = None) -> str:
    """What `env:NAME` or `file:/path` holds, without white space around it; empty when there is nothing."""
    kind, _, name = reference.partition(":")
    if kind == "env":
        return (os.environ if environ is None else environ).get(name, "").strip()
    try:
        return Path(name).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""
