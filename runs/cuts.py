"""Whether a sender cut a text: JSON that stops in the middle, or a length that is a limit people set.

An OpenTelemetry SDK cuts every string of a span at `OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT` characters and says nothing
(OpenTelemetry specification, Attribute limits). Redaction may change a length, so cut prose in which something was
hidden is not always seen; cut JSON is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from runs.values import MAX_JSON_CHARS, is_json, is_truncated
from spans.values import Attributes

_HALF_NUMBER = re.compile(r"-|\.|[eE][-+]?")
_LITERALS = ("true", "false", "null")
_SHORTEST = 64
_SURE = 1_000
"""Below it a text has a round length by chance now and then; it then also has to stop in the middle of a sentence."""
_LIMITS = frozenset(
    {
        *(128, 200, 250, 255, 256, 500, 511, 512, 1_000, 1_023, 1_024, 1_500, 2_000, 2_047, 2_048, 2_500, 3_000, 4_000),
        *(4_095, 4_096, 5_000, 8_000, 8_191, 8_192, 10_000, 12_000, 12_288, 15_000, 16_000, 16_383, 16_384, 20_000),
        *(25_000, 30_000, 32_000, 32_766, 32_767, 32_768, 50_000, 64_000, 65_535, 65_536, 100_000, 128_000, 131_072),
        *(200_000, 250_000, 256_000, 262_144, 500_000, 512_000, 524_288, 1_000_000, 1_048_576),
    }
)
"""What instrumentations, back ends and people set: powers of two, one less, round decimal numbers."""
_ENDS = frozenset(".!?…:;\"'`)]}>|*-_=\n。\uff01\uff1f")


def cut_keys(attributes: Attributes) -> Iterator[str]:
    """Attributes whose text was cut; stack traces are left out, because no recording needs one."""
    long = {
        key: value
        for key, value in attributes.items()
        if isinstance(value, str) and len(value) >= _SHORTEST and not key.startswith("exception.")
    }
    if not long:
        return
    longest = max(len(value) for value in long.values())
    # Nobody has to choose a round limit: different proses that end at one length, and none is longer.
    proses = {value for value in long.values() if len(value) == longest and " " in value}
    for key, value in long.items():
        if (len(proses) > 1 and value in proses) or is_cut(value):
            yield key


def is_cut(text: str) -> bool:
    """Whether a text was cut by its sender."""
    if is_truncated(text):
        return True
    if text.lstrip()[:1] in {"{", "["} and len(text) <= MAX_JSON_CHARS:
        return is_cut_json(text)
    size = len(text)
    return size in _LIMITS and (size >= _SURE or text[-1] not in _ENDS)


def is_cut_json(text: str) -> bool:
    """Whether a text is the beginning of a JSON document and nothing else.

    A whole document, a Python literal, a template and prose in brackets are not: they go wrong before their end.
    """
    if is_json(text):  # as a rule it is, and was read before
        return False
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return _ran_out(error, text)
    except (ValueError, RecursionError):
        return False
    return False


def _ran_out(error: json.JSONDecodeError, text: str) -> bool:
    if error.msg.startswith("Unterminated string"):
        # A Python literal or a template fails earlier, at its first quotation mark or brace.
        return True
    left = text[error.pos :].rstrip()
    if not left:
        return True
    if _HALF_NUMBER.fullmatch(left):
        return True
    if error.msg == "Expecting value":
        return any(word.startswith(left) for word in _LITERALS)
    # An escape of which the end is missing; the decoder points at the escape or just behind it.
    return "escape" in error.msg and len(left) < len("\\u0000") and '"' not in left
