"""Protobuf on the wire: walking fields without building messages, framing them, and mending damaged strings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from spans.errors import RefusedError

VARINT, FIXED64, BYTES, GROUP_START, GROUP_END, FIXED32 = range(6)
MAX_VARINT_BYTES = 10
MAX_DEPTH = 30
"""Levels of nesting inside one attribute value; deeper ones are emptied. Keeps every message below upb's limit of 100."""


class WireError(RefusedError):
    """The bytes are not protobuf."""


class Field(NamedTuple):
    """One field: its number, its wire type, where the whole field begins and where its value lies."""

    number: int
    wire_type: int
    begin: int
    start: int
    end: int


def walk(data: bytes, start: int = 0, end: int | None = None) -> Iterator[Field]:
    """The fields of one message, in order; nothing below them is looked at.

    Raises:
        WireError: the bytes end in the middle of a field or use a wire type that does not exist.
    """
    pos, end = start, len(data) if end is None else end
    while pos < end:
        begin = pos
        tag = data[pos]
        pos += 1
        if tag > 0x7F:
            tag, pos = read_varint(data, begin, end)
        number, wire_type = tag >> 3, tag & 7
        if number == 0:
            raise WireError("The body is not protobuf.")
        if wire_type == BYTES:
            if pos < end and data[pos] < 0x80:
                size = data[pos]
                pos += 1
            else:
                size, pos = read_varint(data, pos, end)
            value, pos = pos, pos + size
        elif wire_type == VARINT:
            value = pos
            _, pos = read_varint(data, pos, end)
        elif wire_type == FIXED64:
            value, pos = pos, pos + 8
        elif wire_type == FIXED32:
            value, pos = pos, pos + 4
        else:
            raise WireError("The body is not protobuf.")
        if pos > end:
            raise WireError("The body ends in the middle of a field.")
        yield Field(number, wire_type, begin, value, pos)


def read_varint(data: bytes, pos: int, end: int) -> tuple[int, int]:
    """A varint and the offset after it.

    Raises:
        WireError: it does not end in time.
    """
    value = shift = 0
    for _ in range(MAX_VARINT_BYTES):
        if pos >= end:
            raise WireError("The body ends in the middle of a number.")
        byte = data[pos]
        pos += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, pos
        shift += 7
    raise WireError("The body is not protobuf.")


def varint(value: int) -> bytes:
    """A non-negative number as a varint."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def frame(number: int, body: bytes) -> bytes:
    """A length-delimited field."""
    return varint(number << 3 | BYTES) + varint(len(body)) + body


class Mended(NamedTuple):
    """A message made valid again and what had to be done."""

    data: bytes
    repaired: bool
    """Invalid UTF-8 was replaced by U+FFFD."""
    emptied: bool
    """Values nested too deeply were emptied."""


def mend(data: bytes, descriptor: Descriptor) -> Mended:
    """Replace invalid UTF-8 in every string field and empty values nested too deeply; all else stays byte for byte.

    Raises:
        WireError: the framing itself is broken.
    """
    return _mend(data, _shape(descriptor), 0)


def count_messages(data: bytes, descriptor: Descriptor, limit: int) -> int:
    """How many messages parsing would build; stops soon after `limit`.

    Raises:
        WireError: the framing is broken.
    """
    count = 0
    stack = [(0, len(data), _shape(descriptor))]
    while stack and count <= limit:
        start, end, shape = stack.pop()
        for field in walk(data, start, end):
            below = shape.get(field.number) if field.wire_type == BYTES else None
            if below is not None and below is not _TEXT:
                count += 1
                if field.end > field.start:
                    stack.append((field.start, field.end, below))
                if count > limit:
                    break
    return count


class _Shape(dict[int, "_Shape"]):
    """Length-delimited fields of a message that matter: strings and messages; `nests` marks value containers."""

    nests: bool = False


_TEXT = _Shape()
_SHAPES: dict[str, _Shape] = {}


def _shape(descriptor: Descriptor) -> _Shape:
    name = descriptor.full_name
    if name not in _SHAPES:
        shape = _SHAPES[name] = _Shape()
        shape.nests = descriptor.name == "AnyValue"
        for field in descriptor.fields:
            if field.type == FieldDescriptor.TYPE_STRING:
                shape[field.number] = _TEXT
            elif field.type == FieldDescriptor.TYPE_MESSAGE and field.message_type is not None:
                shape[field.number] = _shape(field.message_type)
    return _SHAPES[name]


def _mend(data: bytes, shape: _Shape, depth: int) -> Mended:
    out: list[bytes] = []
    copied = 0
    repaired = emptied = False
    for field in walk(data):
        below = shape.get(field.number) if field.wire_type == BYTES else None
        if below is None:
            continue
        value = data[field.start : field.end]
        if below is _TEXT:
            fresh = _mend_text(value)
            if fresh is value:
                continue
            repaired = True
        elif below.nests and depth >= MAX_DEPTH:
            if not value:
                continue
            fresh, emptied = b"", True
        else:
            inner = _mend(value, below, depth + below.nests)
            if inner.data is value:
                continue
            fresh = inner.data
            repaired, emptied = repaired or inner.repaired, emptied or inner.emptied
        out += (data[copied : field.begin], frame(field.number, fresh))
        copied = field.end
    if not out:
        return Mended(data, repaired=False, emptied=False)
    out.append(data[copied:])
    return Mended(b"".join(out), repaired, emptied)


def _mend_text(value: bytes) -> bytes:
    try:
        value.decode()
    except UnicodeDecodeError:
        return value.decode("utf-8", "replace").encode()
    return value
