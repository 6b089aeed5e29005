"""Finds where people can be reached: e-mail addresses, telephone numbers, IP addresses."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

import phonenumbers

from redaction.detectors.piece import Confirm, Detector, Piece, Scope
from redaction.findings import Finding
from redaction.memory import WORDS
from redaction.words import PRODUCTS

MAX_PHONES = 2_000
"""Candidates of one text that are handed to the phone library; beyond it the shape alone decides."""

MAX_CONFIRMED = 200
"""Of these, how many Presidio is asked about (two milliseconds each); beyond it a telephone word is enough."""

_EMAIL = re.compile(
    r"(?<![\w.%+-])[\w.!#$%&'*+/=?^`{|}~-]{1,64}@(?:[A-Za-z0-9\u00a1-\uffff](?:[A-Za-z0-9\u00a1-\uffff-]{0,61}"
    r"[A-Za-z0-9\u00a1-\uffff])?\.){1,8}[A-Za-z\u00a1-\uffff]{2,24}(?![\w@])"
)
_EMAIL_ASCII = re.compile(r"[\w.+%'-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}[A-Za-z]{2,24}")
_PHONE = re.compile(
    r"(?:(?<![\w./#@&=%:-])|(?<=[=:])(?=\+)|(?<=phone=)|(?<=mobile=)|(?<=tel=)|(?<=phone:)|(?<=tel:)|(?<=CELL:))(?<!\d[ ])(?:\+|00|\()?\(?\d(?:[ ().\u2010\u2011\u2013/-]{0,3}\d){6,16}(?![\w/%@-]|\.\d)"
)
_PHONE_WORD = re.compile(
    r"phone|mobile|cell|\bcall\b|\bcalled\b|\btext\b|\btel\b|reach|contact|\bsms\b|whatsapp|\bfax\b|\bdial|\bring\b|handy|hotline|signal"
)
_PHONE_KEY = re.compile(
    r"phone|mobile|(?:^|_)tel(?:$|_)|telephone|(?:^|_)cell|(?:^|_)fax|msisdn|whatsapp|(?:^|_)sms|caller"
)
_ID_KEY = re.compile(
    r"^(?:id|ids|sku|order|orders|invoice|tracking|ref|reference|number|isbn|ean|gtin|upc|score|price|amount|total|version"
    r"|ts|timestamp|time|date|at|hash|sha|digest|etag|lat|lon|lng|latitude|longitude|offset|size|count|seed|zip|postcode)$"
    r"|_(?:id|ids|no|nr|number|at|ts|time|date|hash|score|amount|count|version|ref|code|ms|ns|us|bytes|tokens)$|^(?:created|updated)"
)
_NOT_A_PHONE = re.compile(
    r"\d+\.\d+|\d{4}[-/.]\d\d?[-/.]\d\d?.*|\d\d?[-/.]\d\d?[-/.]\d{2,4}(?:[ ,].*)?|[\d.]*-\d{4}-\d\d-\d\d|97[89][- ]\d.*"
    r"|\d{4}[ -]\d{4}|(?:19|20)\d\d[ -]+(?:19|20)\d\d.*|10\.\d{4,9}/.*"
)
_NUMBERS = re.compile(r"(?:19|20)\d\d[-/.][01]\d[-/.][0-3]\d|(?<!\d)\d\.\d(?!\d)|\.20\d{6}$|^\d+/\d+$")
"""Dates, decimals, fractions and dated versions: what looks like a number in groups."""
_DECIMALS = re.compile(r"\A\d+\.\d+ +\d[\d ]*\Z|\d\.\d{3,} ")
_MIN_PHONE_DIGITS = 8
_MAX_PHONE_DIGITS = 15
_MAX_BARE_DIGITS = 13
_PHONE_CONTEXT = 30

_IP4 = re.compile(r"(?<![\w.-])(?:\d{1,3}\.){3}\d{1,3}(?![\w-]|\.\d)")
_IP6 = re.compile(r"(?<![\w:.])[0-9A-Fa-f:]{2,39}(?:(?<=:)(?:\d{1,3}\.){3}\d{1,3})?(?!\w|:\w)")
_VERSION_BEFORE = re.compile(
    r"(?:(?:version|release|build|firmware|\bver|\bv|chart|image|plugin|notes|section|rfc|chapter|clause|==|>=|<=|~=|@)\s{0,2}[:=]?\s{0,2}"
    r"|(?:rolled back|roll back|upgraded?|downgraded?|updated?|bump(?:ed)?|migrated?)\s(?:to|from)\s(?:v?[\d.]{3,20}\s(?:to|->|=>)\s)?|/[\w.-]{1,12}:)\Z"
)
_WORD_BEFORE = re.compile(r"([a-z][a-z0-9-]*)\s\Z")
_VERSION_KEY = re.compile(r"version|release|(?:^|_)ver$|agent$")
_VERSION_CONTEXT = 48
_MIN_IP6 = 6
_NO_HOST = ("255.", "ffff:ffff:", "2.5.4.", "2.5.29.", "1.3.6.", "1.3.14.")
"""Network masks, and object identifiers of X.500."""


def find_emails(piece: Piece) -> Iterator[Finding]:
    """E-mail addresses, also where a machine glued something before them."""
    if "@" not in piece.text:
        return
    patterns = (_EMAIL_ASCII,) if piece.text.isascii() else (_EMAIL_ASCII, _EMAIL)
    for pattern in patterns:
        for match in pattern.finditer(piece.text):
            start = match.end() - len(match[0].lstrip(".%'+-{}=/?&"))
            yield Finding(start, match.end(), "EMAIL_ADDRESS", 0.95)


def find_phones(confirm: Confirm, regions: Sequence[str], *, strict: bool) -> Detector:
    """Telephone numbers.

    Args:
        confirm: Presidio's opinion, asked when not strict.
        regions: Regions (ISO 3166) tried for numbers without a country code.
        strict: Only candidates with a plus, brackets, groups, or a word or key that names a telephone.
    """

    def find(piece: Piece) -> Iterator[Finding]:
        if not piece.digits:
            return
        text = piece.text
        named = bool(piece.key) and _PHONE_KEY.search(piece.key) is not None
        identifier = piece.scope is Scope.IDENTIFIER or (not named and bool(piece.key) and _ID_KEY.search(piece.key))
        asked = confirmed = 0
        for match in _PHONE.finditer(text):
            candidate = match[0]
            if identifier and candidate[0] != "+":
                continue
            start = match.start()
            called = named or _PHONE_WORD.search(piece.low, max(0, start - _PHONE_CONTEXT), start) is not None
            if not _has_shape(candidate, called=called, strict=strict):
                continue
            asked += 1
            sure = asked > MAX_PHONES or _is_number(candidate, tuple(regions)) or (called and _is_abroad(candidate))
            if not sure and called:
                confirmed += 1
                sure = confirmed > MAX_CONFIRMED or confirm("PHONE_NUMBER", candidate) > 0
            if sure:
                yield Finding(start, match.end(), "PHONE_NUMBER", 0.75 if called else 0.5)

    return find


def _has_shape(candidate: str, *, called: bool, strict: bool) -> bool:
    digits = sum(letter.isdigit() for letter in candidate) - (2 if candidate.startswith("00") else 0)
    if not _MIN_PHONE_DIGITS <= digits <= _MAX_PHONE_DIGITS:
        return False
    if candidate[0] not in "+(" and (candidate.count("/") > 1 or _DECIMALS.search(candidate)):
        return False
    if candidate[0] != "+" and (_NOT_A_PHONE.fullmatch(candidate) or _NUMBERS.search(candidate)):
        return False
    if candidate.isdigit():
        longest = _MAX_PHONE_DIGITS if candidate.startswith("00") else _MAX_BARE_DIGITS
        if not called and re.match("00[1-9]", candidate):
            return _is_valid_abroad(candidate)
        return digits <= longest if called else not strict
    if candidate[0] in "+(":
        return True
    groups = re.findall(r"\d+", candidate)
    if len(groups) > 7 or max(map(len, groups)) < 2:
        return False
    return called or not strict or digits > _MIN_PHONE_DIGITS


def _is_abroad(candidate: str) -> bool:
    """Whether bare digits that are called a telephone number are one with its country code, as `msisdn` has it."""
    return candidate.isdigit() and candidate[0] != "0" and _is_valid_abroad("00" + candidate)


def _is_valid_abroad(candidate: str) -> bool:
    """Whether bare digits that begin with 00 are a number that could be dialled; padded counters rarely are."""
    try:
        return bool(phonenumbers.is_valid_number(phonenumbers.parse("+" + candidate[2:])))
    except phonenumbers.NumberParseException:
        return False


@lru_cache(maxsize=WORDS)
def _is_number(candidate: str, regions: tuple[str, ...]) -> bool:
    if candidate.startswith("00"):
        candidate = "+" + candidate[2:]
    for region in (None,) if candidate.startswith(("+", "(+")) else regions:
        try:
            number = phonenumbers.parse(candidate.lstrip("(") if region is None else candidate, region)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(number) or (region is None and phonenumbers.is_possible_number(number)):
            return True
    return False


def find_addresses(*, hide_private: bool) -> Detector:
    """IP addresses, except loopback, versions and (if told) private ones."""

    def find(piece: Piece) -> Iterator[Finding]:
        if piece.scope is Scope.IDENTIFIER:
            return
        text = piece.text
        if piece.digits and "." in text and not (piece.key and _VERSION_KEY.search(piece.key)):
            for match in _IP4.finditer(text):
                before = piece.low[max(0, match.start() - _VERSION_CONTEXT) : match.start()]
                if not _is_version(before) and _is_personal(match[0], hide_private=hide_private):
                    yield Finding(match.start(), match.end(), "IP_ADDRESS", 0.6)
        if text.count(":") > 1:
            for match in _IP6.finditer(text):
                candidate = match[0].rstrip(":") if not match[0].endswith("::") else match[0]
                if (
                    len(candidate) >= _MIN_IP6
                    and candidate.count(":") > 1
                    and ("::" in candidate or candidate.count(":") == 7)
                    and _is_personal(candidate, hide_private=hide_private)
                ):
                    yield Finding(match.start(), match.start() + len(candidate), "IP_ADDRESS", 0.6)

    return find


def _is_version(before: str) -> bool:
    """Whether what stands before four numbers makes them a version: a word that says so, or a product's name."""
    if _VERSION_BEFORE.search(before):
        return True
    word = _WORD_BEFORE.search(before)
    return word is not None and word[1] in PRODUCTS


def _is_personal(candidate: str, *, hide_private: bool) -> bool:
    try:
        address = ipaddress.ip_address(candidate)
    except ValueError:
        return False
    if address.is_loopback or address.is_unspecified or candidate.lower().startswith(_NO_HOST):
        return False
    return hide_private or not address.is_private
