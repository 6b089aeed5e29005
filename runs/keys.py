"""What a raw attribute key is to redaction and storage: the classes that the dialects declare, and a few general rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache, lru_cache

from runs.dialects import DIALECTS
from spans.fields import FieldClass

Declared = Mapping[FieldClass, tuple[str, ...]]
"""Keys of a class. A key that ends with `*` names every key that begins so."""

GENERAL: Declared = {
    FieldClass.CONTENT: (
        "body",
        "error",
        "error.message",
        "error.stack",
        "exception.message",
        "exception.stacktrace",
        "input",
        "input.*",
        "output",
        "output.*",
        "message",
        "prompt",
        "query",
        "response",
        "status.message",
        "status_message",
        "tool.parameters",
        "tool.description",
        "db.query.text",
        "db.statement",
        "url.full",
        "http.url",
        "http.target",
        "url.query",
    ),
    FieldClass.IDENTITY: (
        "enduser.*",
        "user.*",
        "user_id",
        "userId",
        "client.address",
        "net.peer.ip",
        "net.sock.peer.addr",
        "http.client_ip",
        "source.address",
    ),
    FieldClass.NAME: (
        "agent.name",
        "code.function",
        "code.function.name",
        "event.name",
        "name",
        "rpc.method",
        "rpc.service",
        "service.name",
        "service.namespace",
        "tool.name",
        "tool_name",
    ),
    FieldClass.IDENTIFIER: (
        "aws.*",
        "cloud.*",
        "container.*",
        "deployment.*",
        "error.type",
        "exception.escaped",
        "exception.type",
        "host.arch",
        "http.request.method",
        "http.response.status_code",
        "http.route",
        "http.status_code",
        "http.method",
        "input.mime_type",
        "k8s.*",
        "otel.*",
        "output.mime_type",
        "process.pid",
        "process.runtime.*",
        "rpc.system",
        "server.port",
        "service.instance.id",
        "service.version",
        "session.id",
        "telemetry.*",
        "thread.id",
        "tool.id",
        "url.scheme",
    ),
}

_LEAVES: Mapping[str, FieldClass] = {
    **dict.fromkeys(
        (
            "id",
            "type",
            "role",
            "index",
            "tool_call_id",
            "call_id",
            "finish_reason",
            "mime_type",
            "score",
            "annotator_kind",
            "identifier",
            "version",
        ),
        FieldClass.IDENTIFIER,
    ),
    "name": FieldClass.NAME,
}
"""Inside a family that is content as a whole, these last segments are not prose."""


@lru_cache(maxsize=65_536)
def field_class(key: str) -> FieldClass:
    """The class of a raw key of a span, event, resource, scope or log; PLAIN for a key nobody declared.

    Args:
        key: A key as sent, for example `gen_ai.prompt.0.content`; any text at all.
    """
    exact, families = _declarations()
    found = exact.get(key)
    if found is not None:
        return found
    for prefix, declared in families:
        if key.startswith(prefix):
            return _within(key, prefix, declared)
    return FieldClass.PLAIN


def _within(key: str, prefix: str, declared: FieldClass) -> FieldClass:
    if declared is FieldClass.CONTENT and len(key) > len(prefix):
        return _LEAVES.get(key.rpartition(".")[2], declared)
    return declared


@cache
def _declarations() -> tuple[dict[str, FieldClass], tuple[tuple[str, FieldClass], ...]]:
    """Exact keys and families, longest prefix first. Where two dialects disagree, the stricter class wins."""
    exact: dict[str, FieldClass] = {}
    families: dict[str, FieldClass] = {}
    for declared in (GENERAL, *(dialect.classes for dialect in DIALECTS)):
        for field, keys in declared.items():
            _add(keys, field, exact, families)
    return exact, tuple(sorted(families.items(), key=lambda item: (-len(item[0]), item[0])))


_STRICTNESS = (
    FieldClass.CONTENT,
    FieldClass.IDENTITY,
    FieldClass.PLAIN,
    FieldClass.NAME,
    FieldClass.IDENTIFIER,
)


def _add(keys: Iterable[str], field: FieldClass, exact: dict[str, FieldClass], families: dict[str, FieldClass]) -> None:
    for key in keys:
        table, name = (families, key[:-1]) if key.endswith("*") else (exact, key)
        known = table.get(name)
        if known is None or _STRICTNESS.index(field) < _STRICTNESS.index(known):
            table[name] = field
