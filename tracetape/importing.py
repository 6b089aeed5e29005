"""Import of OTLP files through the receiver: protobuf or JSON, one request or many as the Collector's file exporter writes them."""

from __future__ import annotations

import gzip
import http.client
import json
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from spans.errors import BusyError, RefusedError, SettingsError

PATHS = {"resourceSpans": "/v1/traces", "resourceLogs": "/v1/logs"}
_OLD_KEYS = {"resource_spans": "resourceSpans", "resource_logs": "resourceLogs"}
TRIES = 30
PAUSE_S = 1.0
"""The receiver asks for one to two seconds when it is busy."""
_GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Body:
    """One request as it is sent: where to, and its bytes."""

    path: str
    content_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Imported:
    """What was sent, and what the receiver would not take."""

    requests: int
    rejected: int


def bodies(file: Path) -> Iterator[Body]:
    """The requests in a file, in order; `.gz` is opened on the way.

    Raises:
        SettingsError: the file cannot be read, or is no OTLP.
    """
    try:
        raw = file.read_bytes()
        raw = gzip.decompress(raw) if raw.startswith(_GZIP_MAGIC) else raw
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise SettingsError(
            f"{file} is packed with gzip and damaged, or cut off; unpack what can be saved of it first."
        ) from None
    except OSError as error:
        raise SettingsError(f"{file} cannot be read: {error.strerror or error}.") from None
    start = raw.lstrip()[:1]
    if start == b"{":
        yield from _json_bodies(file, raw)
    elif raw:
        # Protobuf does not say what it is; logs and traces differ by name only.
        path = "/v1/logs" if "log" in file.name.lower() else "/v1/traces"
        for message in _messages(raw):
            yield Body(path, "application/x-protobuf", message)


_LENGTH_BYTES = 4


def _messages(raw: bytes) -> tuple[bytes, ...]:
    """The requests of a protobuf file: one, or several with their length before each (big-endian, the file exporter's `proto`).

    A single request begins with the tag of its first field, which as a length would reach beyond any file.
    """
    found, at = [], 0
    while at + _LENGTH_BYTES <= len(raw):
        end = at + _LENGTH_BYTES + int.from_bytes(raw[at : at + _LENGTH_BYTES], "big")
        if end > len(raw):
            return (raw,)
        found.append(raw[at + _LENGTH_BYTES : end])
        at = end
    return tuple(message for message in found if message) if at == len(raw) else (raw,)


def send(endpoint: str, key: str | None, found: Iterator[Body]) -> Imported:
    """Send requests one after the other; each counts as imported when the receiver has it durably.

    Raises:
        RefusedError: the receiver will not take a request at all.
        BusyError: it stayed busy for half a minute, or cannot be reached.
    """
    place = urlsplit(endpoint)
    requests = rejected = 0
    for body in found:
        rejected += _send_one(place, key, body)
        requests += 1
    return Imported(requests, rejected)


def _json_bodies(file: Path, raw: bytes) -> Iterator[Body]:
    text = raw.decode("utf-8", "replace").strip()
    try:
        documents = [json.loads(text)]
    except ValueError:
        documents = [_line(file, number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    for read in documents:
        document = {_OLD_KEYS.get(key, key): value for key, value in read.items()}
        known = [key for key in PATHS if key in document]
        if not known:
            raise SettingsError(f"{file} is JSON, but no OTLP: it has neither resourceSpans nor resourceLogs.")
        for key in known:
            yield Body(PATHS[key], "application/json", json.dumps({key: document[key]}).encode())


def _line(file: Path, number: int, line: str) -> dict[str, object]:
    try:
        document = json.loads(line)
    except ValueError:
        raise SettingsError(f"Line {number} of {file} is no JSON.") from None
    if not isinstance(document, dict):
        raise SettingsError(f"Line {number} of {file} is no OTLP request.")
    return document


def _connect(place: SplitResult) -> http.client.HTTPConnection:
    host = place.hostname or "127.0.0.1"
    if place.scheme == "https":
        return http.client.HTTPSConnection(host, place.port or 443, timeout=30)
    return http.client.HTTPConnection(host, place.port or 4318, timeout=30)


def _send_one(place: SplitResult, key: str | None, body: Body) -> int:
    headers = {"Content-Type": body.content_type, **({"Authorization": f"Bearer {key}"} if key else {})}
    last = "nobody answers"
    for _ in range(TRIES):
        connection = _connect(place)
        try:
            connection.request("POST", f"{place.path.rstrip('/')}{body.path}", body.data, headers)
            answer = connection.getresponse()
            said = answer.read()
        except OSError as error:
            last = error.strerror or str(error)
        else:
            if answer.status == 200:
                return _rejected(said)
            last = f"it answers {answer.status}"
            if answer.status != 503:
                raise RefusedError(
                    f"The receiver refuses a request ({answer.status}): {said[:200].decode('utf-8', 'replace')}"
                )
        finally:
            connection.close()
        time.sleep(PAUSE_S)
    raise BusyError(f"The receiver at {place.netloc} takes nothing now: {last}. Is tracetape serve running?")


def _rejected(said: bytes) -> int:
    try:
        partial = json.loads(said or b"{}").get("partialSuccess", {})
    except ValueError:
        return 0  # an answer in protobuf: its count shows in the delivery check
    return int(partial.get("rejectedSpans") or partial.get("rejectedLogRecords") or 0)
