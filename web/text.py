"""Agent text made safe to look at: hidden characters shown, pseudonyms and withheld text marked, long text folded."""

from __future__ import annotations

import json
import re
import unicodedata
import zlib
from dataclasses import dataclass

from markupsafe import Markup, escape

FOLD_AT = 1_200
"""Characters of a message shown before the fold."""
FOLD_MOST = 40_000
"""Characters shown at all; the whole text is in the JSON download."""
TINTS = 8

_HIDDEN = (
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # controls, but for tab and newline
    "\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff"  # bidi and zero-width (joiners stay: emoji, Persian)
    "\ufff9-\ufffb\U000e0000-\U000e007f"  # annotation and tag characters, the carriers of invisible prompts
)
_ENTITY = r"<([A-Z][A-Z0-9_]{1,40})_([a-z2-7]{6,12})>"
_ADDRESS = r"\bp-([a-z2-7]{6,12})@pii\.example\.net"
"""E-mail pseudonyms keep the shape of an address, so that parsers still accept them."""
_WITHHELD = r"<REDACTION_FAILED>"
_ANY_HIDDEN = re.compile(f"[{_HIDDEN}]")
_SPECIAL = re.compile(f"({_ENTITY})|({_WITHHELD})|([{_HIDDEN}])|(\r\n?)|({_ADDRESS})")


def visible(text: str) -> Markup:
    """Text as HTML in which nothing hides: controls and bidi marks get a face, pseudonyms become chips."""
    clean = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if not text.isascii() else text
    pieces: list[str] = []
    start = 0
    for found in _SPECIAL.finditer(clean):
        pieces.append(str(escape(clean[start : found.start()])))
        pieces.append(_special(found))
        start = found.end()
    pieces.append(str(escape(clean[start:])))
    return Markup("".join(pieces))  # noqa: S704 - every piece above is escaped or made here


def plain_visible(text: str) -> str:
    """Text without HTML in which nothing hides: `U+202E` instead of the character; for files."""
    clean = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if not text.isascii() else text
    return _ANY_HIDDEN.sub(lambda found: f"[U+{ord(found[0]):04X}]", clean)


def _special(found: re.Match[str]) -> str:
    if found[1]:
        return _pseudonym(found[2].replace("_", " "), found[3], found[1])
    if found[7]:
        return _pseudonym("EMAIL", found[8], found[7])
    if found[4]:
        return '<span class="withheld" title="Redaction failed, so the text was not stored">withheld</span>'
    if found[6]:
        return "\n"
    code = ord(found[5])
    name = unicodedata.name(found[5], "CONTROL CHARACTER")
    return f'<span class="hidden-char" title="{escape(name)}">U+{code:04X}</span>'


def _pseudonym(entity: str, token: str, whole: str) -> str:
    return (
        f'<span class="who tint-{tint(token)}" title="{escape(whole)}, a stable pseudonym: the value was not stored">'
        f"{escape(entity)} {escape(token)}</span>"
    )


def person(identifier: str, most: int = 24) -> Markup:
    """A user or session as a chip: a pseudonym by its entity and token, other ids shortened, the whole on hover."""
    found = _SPECIAL.fullmatch(identifier)
    if found and (found[1] or found[7]):
        return visible(identifier)
    shown = visible(one_line(identifier, most))
    return Markup('<span class="who tint-{}" title="{}">{}</span>').format(tint(identifier), identifier, shown)


def tint(token: str) -> int:
    """The same tint for the same token, so that the eye can follow a person."""
    return zlib.crc32(token.encode()) % TINTS


def one_line(text: str, most: int = 160) -> str:
    """A preview: white space collapsed, cut with an ellipsis."""
    flat = " ".join(text[: most * 4].split())
    return flat if len(flat) <= most else flat[: most - 1].rstrip() + "…"


def quoted(name: str, most: int = 80) -> str:
    """A name in a Markdown text, as code: nothing in it is Markdown, nor ends a cell of a table."""
    plain = one_line(plain_visible(name), most).replace("`", "'").replace("|", "/")
    return f"`{plain}`"


_TOKEN = re.compile(
    r'\s*(?:"((?:[^"\\]|\\.)*)(?:"|\\?$)|([\[{])|([\]}])|([,:])|(-?\d[\d.eE+-]*|true|false|null)(?=[\s,\]}]|$)|…|$)'
)
_WORDS = {"true": "yes", "false": "no"}


def spoken(text: str) -> str:
    """What a structured answer says, without its brackets and quotes: `approvals: tool_name: delete_account`.

    The text may be cut anywhere. What is empty is left out; text that is not JSON comes back as it was.
    """
    if text.lstrip()[:1] not in {"{", "["}:
        return text
    said: list[str] = []
    keys: list[str] = []
    key, at = "", 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            return text
        at = max(found.end(), at + 1)
        string, opened, closed, _, scalar = found.groups()
        if opened:
            keys.append(key)
            key = ""
        elif closed:
            key = ""
            if keys:
                keys.pop()
        elif string is not None and not key and text[at : at + 20].lstrip()[:1] == ":":
            key = _unquoted(string)
        elif (
            value := _unquoted(string) if string is not None else _WORDS.get(scalar or "", scalar)
        ) and value != "null":
            said.append("".join(f"{k}: " for k in (*keys, key) if k) + value)
            keys, key = [""] * len(keys), ""
        elif string is not None or scalar:
            key = ""
    return ", ".join(said) or text


def _unquoted(string: str) -> str:
    try:
        return spoken(str(json.loads(f'"{string}"', strict=False)).strip())
    except ValueError:
        return string.strip()


@dataclass(frozen=True, slots=True)
class Folded:
    """A long text in two parts; `cut` counts characters that are only in the download."""

    head: str
    rest: str
    cut: int


def fold(text: str, at: int = FOLD_AT, most: int = FOLD_MOST) -> Folded:
    """Split a text where the fold goes; short texts have no rest."""
    if len(text) <= at + at // 4:
        return Folded(text, "", 0)
    space = text.rfind(" ", at - 80, at)
    cut_at = space if space > 0 else at
    return Folded(text[:cut_at], text[cut_at:most], max(0, len(text) - most))
