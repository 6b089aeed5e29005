"""The recording as a file: versioned JSON, written one way, read strictly; any bytes are a recording or one kind of error."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from replay.outline import ExchangeKind
from replay.recording import FORMAT, VERSION, AnswerState, digests
from replay.upgrades import upgraded
from spans.errors import RefusedError

MAX_BYTES: Final = 256 * 1024 * 1024
"""Larger files are refused before they are parsed."""
MAX_EXCHANGES: Final = 200_000


class RecordingFileError(RefusedError):
    """The bytes are no recording that this program can read; the sentence says why."""


def write_recording(recording: Mapping[str, Any]) -> bytes:
    """The bytes of a recording: keys in order, one exchange per line, so that two of them can be compared by eye."""
    head = {key: value for key, value in recording.items() if key != "exchanges"}
    lines = ",\n".join(_json(exchange) for exchange in recording["exchanges"])
    return (_json(head)[:-1] + ',"exchanges":[\n' + lines + "\n]}\n").encode()


def read_recording(raw: bytes) -> dict[str, Any]:
    """A recording of this version, whatever version the bytes were.

    Raises:
        RecordingFileError: for any bytes that are no recording: too large, not JSON, of a newer version, or with parts
            missing or of another type.
    """
    if len(raw) > MAX_BYTES:
        raise RecordingFileError(f"The file has {len(raw):,} bytes; a recording has at most {MAX_BYTES:,}.")
    file = _parsed(raw)
    version = _version(file)
    try:
        file = dict(upgraded(file, version))
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise RecordingFileError(f"The file says version {version} but does not hold what that version has.") from error
    _check(file)
    return file


def is_whole(recording: Mapping[str, Any]) -> bool:
    """Whether the digests in a recording are those of its exchanges."""
    return all(recording[name] == value for name, value in digests(recording["exchanges"]).items())


def _json(value: Any) -> str:
    return msgspec.json.encode(value, order="sorted").decode()


def _parsed(raw: bytes) -> dict[str, Any]:
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise RecordingFileError("The file is not UTF-8 text, so it is no recording.") from error
    try:
        file = json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise RecordingFileError("The file is not JSON, or nested too deeply, so it is no recording.") from error
    if not isinstance(file, dict) or file.get("format") != FORMAT:
        raise RecordingFileError(f'The file is JSON but no recording: "format" is not "{FORMAT}".')
    return file


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _no_constant(constant: str) -> Any:
    raise ValueError(constant)


def _version(file: Mapping[str, Any]) -> int:
    version = file.get("version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 0:
        raise RecordingFileError('"version" of the recording is not a number.')
    if version > VERSION:
        raise RecordingFileError(
            f"The recording has version {version}; this tracetape reads up to {VERSION}. Please update tracetape."
        )
    return version


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_pairs(value: Any) -> bool:
    return isinstance(value, list) and all(_is_texts(item) and len(item) == 2 for item in value)


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _or_none(check: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or check(value)


_HEAD: Mapping[str, Callable[[Any], bool]] = {
    "run_id": _is_text,
    "canonicaliser": _is_count,
    "project": _is_text,
    "workflow": _is_text,
    "workflow_version": _is_text,
    "started_at": _or_none(_is_text),
    "replayability": _is_text,
    "reasons": _is_texts,
    "exchanges": _is_list,
    "digest": _is_text,
    "behaviour_digest": _is_text,
    "answer_digest": _is_text,
}
_EXCHANGE: Mapping[str, Callable[[Any], bool]] = {
    "number": _is_count,
    "branch": _is_texts,
    "ordinal": _is_count,
    "span_id": _is_text,
    "kind": lambda value: _is_text(value) and value in set(ExchangeKind),
    "name": _is_text,
    "agent": _or_none(_is_text),
    "started_at": _or_none(_is_text),
    "duration_ms": _is_number,
    "asked": _is_object,
    "answered": _is_object,
    "state": lambda value: _is_text(value) and value in set(AnswerState),
    "error": _or_none(_is_object),
    "decisions": _is_list,
    "usage": _or_none(_is_object),
    "cost_usd": _or_none(_is_text),
    "k0": _is_text,
    "k1": _is_text,
    "answer_key": _is_text,
    "holes": _is_pairs,
    "canonical": lambda value: isinstance(value, bool),
}
"""What each exchange of the newest version has; fields beyond these are kept and ignored."""


def _check(file: Mapping[str, Any]) -> None:
    _check_fields(file, _HEAD, "the recording")
    exchanges = file["exchanges"]
    if len(exchanges) > MAX_EXCHANGES:
        raise RecordingFileError(f"The recording has {len(exchanges):,} exchanges; at most {MAX_EXCHANGES:,} are read.")
    for index, exchange in enumerate(exchanges, 1):
        if not isinstance(exchange, dict):
            raise RecordingFileError(f"Exchange {index} is no object.")
        _check_fields(exchange, _EXCHANGE, f"exchange {index}")
        if exchange["number"] != index:
            raise RecordingFileError(
                f"Exchange {index} says it is number {exchange['number']}: one is missing or moved."
            )


def _check_fields(value: Mapping[str, Any], fields: Mapping[str, Callable[[Any], bool]], where: str) -> None:
    for name, holds in fields.items():
        if name not in value:
            raise RecordingFileError(f'"{name}" is missing in {where}.')
        if not holds(value[name]):
            raise RecordingFileError(f'"{name}" in {where} is not what a recording has there.')
