"""How much one request may hold; checked on the wire bytes, before anything is built from them."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits of one request. Above a whole-request limit it is refused as too large; a single item is only rejected."""

    body_bytes: int = 64 * MIB
    """After decompression; also the most that may arrive compressed."""
    json_bytes: int = 32 * MIB
    """JSON costs many times its size in memory."""
    json_nodes: int = 500_000
    """Objects and lists in one JSON body."""
    items: int = 200_000
    """Spans, log records or metrics. Two million empty spans are 4 MB on the wire and 338 MB when parsed (measured)."""
    messages: int = 400_000
    """Attributes, events, links and nested values of all items together."""
    item_attributes: int = 8_192
    """Attributes, events or links of one item."""
    key_bytes: int = 4 * MIB
    """Key of one attribute."""
    quick_bytes: int = MIB // 2
    """Up to this a body is parsed whole: even made of empty messages only it costs less than 50 MB for a moment."""
    big_item_bytes: int = MIB // 4
    """Above this an item's messages are counted before it is parsed."""
