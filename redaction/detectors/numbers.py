"""Finds numbers that prove themselves by a check digit or by the words beside them: cards, IBANs, SSNs, wallets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from redaction.detectors.piece import Confirm, Detector, Piece, Scope
from redaction.findings import Finding

CONTEXT_CHARS = 40
"""How far before a weak number a word may stand that explains it."""

_CARD = re.compile(r"(?<![\w.,:+/-])[2-6]\d{3}(?:[ -]?\d){8,15}(?![\w/]|[-.]\d)")
_IN_GROUPS = re.compile(r"\d{4}([ -])\d{4}\1\d{4}\1\d{4}(?:\1\d{3})?|\d{4}([ -])\d{6}\2\d{4,5}|\d{13,19}")
"""How cards are written. After another number only these count: in a row of figures anything else is chance."""
_ROW_BEFORE = re.compile(r"\d[ ]\d+[ ]\Z")
_ROW = re.compile(r"\d++(?:[ ]\d++)*+")
_ROW_AFTER = re.compile(r"[ ]\d")
_ROW_CHARS = 24
_CARD_LENGTHS: tuple[tuple[re.Pattern[str], tuple[int, ...]], ...] = (
    (re.compile(r"3[47]"), (15,)),
    (re.compile(r"3(?:0[0-5]|[689])"), (14, 16)),
    (re.compile(r"35(?:2[89]|[3-8])"), (16,)),
    (re.compile(r"4"), (13, 16, 19)),
    (re.compile(r"5[1-5]"), (16,)),
    (re.compile(r"2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)"), (16,)),
    (re.compile(r"6(?:011|4[4-9]|5)"), (16, 19)),
    (re.compile(r"62"), (16, 17, 18, 19)),
    (re.compile(r"(?:50|5[6-9]|6)"), (13, 14, 15, 16, 17, 18, 19)),
)
"""Lengths by issuer; Presidio's own pattern knows neither the 2-series nor 19 digits."""
_CARD_WORD = re.compile(
    r"card|visa|mastercard|amex|american express|maestro|discover|diners|jcb|credit|debit|\bpan\b|\bcc\b|charge|\bpay|cvc|cvv|expir|\bexp\b"
)

_SSN = re.compile(r"(?<![\w.-])\d{3}([- .]?)\d{2}\1\d{4}(?![\w-]|\.\d)")
_SSN_WORD = re.compile(r"ssn|social|security|national.?id|taxpayer|tax.?id|\bitin\b|\btin\b")
_WALLET = re.compile(r"(?<![A-Za-z0-9])(?:bc1|[13])[a-zA-HJ-NP-Z0-9]{25,59}(?![A-Za-z0-9])")
_ETHEREUM = re.compile(r"(?<![A-Za-z0-9])0x[0-9a-fA-F]{40}(?![A-Za-z0-9])")
_WALLET_WORD = re.compile(r"wallet|eth|address|crypto|payout|deposit")

_IBAN = re.compile(r"(?<![A-Za-z0-9])([A-Z]{2})(\d{2})((?:[ -]?[A-Z0-9]){11,30})", re.IGNORECASE)
_IBAN_LENGTHS: Mapping[str, int] = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BI": 27, "BR": 29,
    "BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DJ": 27, "DK": 18, "DO": 28, "EE": 20, "EG": 29,
    "ES": 24, "FI": 18, "FK": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28,
    "HN": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20,
    "LB": 28, "LC": 32, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19,
    "MN": 20, "MR": 27, "MT": 31, "MU": 30, "NI": 28, "NL": 18, "NO": 15, "OM": 23, "PK": 24, "PL": 28, "PS": 29,
    "PT": 25, "QA": 29, "RO": 24, "RS": 22, "RU": 33, "SA": 24, "SC": 31, "SD": 18, "SE": 24, "SI": 19, "SK": 24,
    "SM": 27, "SO": 23, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20,
    "YE": 30,
}  # fmt: skip
"""ISO 13616 registry: total length by country."""


def find_ibans(piece: Piece) -> Iterator[Finding]:
    """IBANs of any country, whatever word follows them, by length and check digits."""
    if not piece.digits:
        return
    text = piece.text
    for match in _IBAN.finditer(text):
        length = _IBAN_LENGTHS.get(match[1].upper())
        end = _end_of(text, match.start(), length) if length else None
        if end is not None and _mod_97(text[match.start() : end]):
            yield Finding(match.start(), end, "IBAN_CODE", 1.0)


def find_cards(confirm: Confirm) -> Detector:
    """Payment cards: an issuer's prefix and length, the Luhn digit, Presidio's or our own confirmation."""

    def find(piece: Piece) -> Iterator[Finding]:
        if not piece.digits:
            return
        place = 0
        while match := _CARD.search(piece.text, place):
            place = match.start() + 1  # where nothing is found the next group of digits may begin a card
            if _is_in_a_row(piece.text, match.start()) and not _explained(piece, match.start(), _CARD_WORD):
                place = _ROW.match(piece.text, match.start()).end()  # type: ignore[union-attr]
                continue
            for stop in _card_ends(piece.text, *match.span()):
                candidate = piece.text[match.start() : stop]
                if _is_card(re.sub(r"\D", "", candidate)) and _is_believed(piece, match.start(), stop):
                    yield Finding(match.start(), stop, "CREDIT_CARD", max(confirm("CREDIT_CARD", candidate), 0.6))
                    place = stop
                    break

    return find


def _is_in_a_row(text: str, start: int) -> bool:
    """Whether two other numbers stand right before: figures of a table, not a card."""
    return text[start - 1 : start] == " " and _ROW_BEFORE.search(text, max(0, start - _ROW_CHARS), start) is not None


def _is_believed(piece: Piece, start: int, stop: int) -> bool:
    """Whether the number is more than digits that happen to add up: its issuer, its form and the words beside it."""
    explained = _explained(piece, start, _CARD_WORD) or _CARD_WORD.search(piece.low, stop, stop + 24) is not None
    if piece.text[max(0, start - 2) : start - 1].isdigit() and piece.text[start - 1 : start] == " ":
        if not _IN_GROUPS.fullmatch(piece.text, start, stop):
            return False
        if not explained and _ROW_AFTER.match(piece.text, stop):
            return False
    return explained or piece.text[start] in "346" or piece.text[start : start + 2] in _MASTERCARD


def find_ssns(confirm: Confirm) -> Detector:
    """US social security numbers: with dashes as they are, otherwise only beside a word or key that says so."""

    def find(piece: Piece) -> Iterator[Finding]:
        if not piece.digits:
            return
        for match in _SSN.finditer(piece.text):
            if confirm("US_SSN", match[0]) <= 0:
                continue
            dashed = match[1] == "-"
            if dashed or (piece.scope > Scope.IDENTIFIER and _explained(piece, match.start(), _SSN_WORD)):
                yield Finding(match.start(), match.end(), "US_SSN", 0.6 if dashed else 0.85)

    return find


def find_wallets(confirm: Confirm) -> Detector:
    """Bitcoin addresses by checksum; Ethereum addresses beside a word that says so."""

    def find(piece: Piece) -> Iterator[Finding]:
        if not piece.digits or piece.scope is Scope.IDENTIFIER:
            return
        for match in _WALLET.finditer(piece.text):
            if confirm("CRYPTO", match[0]) > 0:
                yield Finding(match.start(), match.end(), "CRYPTO", 1.0)
        if "0x" in piece.low:
            for match in _ETHEREUM.finditer(piece.text):
                if _explained(piece, match.start(), _WALLET_WORD):
                    yield Finding(match.start(), match.end(), "CRYPTO", 0.6)

    return find


_MASTERCARD = frozenset({"51", "52", "53", "54", "55"})


def _explained(piece: Piece, start: int, word: re.Pattern[str]) -> bool:
    if piece.key and word.search(piece.key):
        return True
    return word.search(piece.low, max(0, start - CONTEXT_CHARS), start) is not None


def _card_ends(text: str, start: int, end: int) -> Iterator[int]:
    """The whole run of digits first; then, when it is in groups, without its last group (an expiry date, a CVV)."""
    yield end
    while (cut := max(text.rfind(" ", start, end), text.rfind("-", start, end))) > start:
        yield cut
        end = cut


def _is_card(digits: str) -> bool:
    if len(set(digits)) == 1:
        return False
    for prefix, lengths in _CARD_LENGTHS:
        if len(digits) in lengths and prefix.match(digits):
            return _luhn(digits)
    return False


def _luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (1 + place % 2)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def _end_of(text: str, start: int, length: int) -> int | None:
    """Where the IBAN of that many letters and digits ends; None when the text goes on without a break."""
    count = 0
    for place in range(start, min(len(text), start + 2 * length)):
        if text[place] not in " -":
            count += 1
        if count == length:
            end = place + 1
            return None if end < len(text) and text[end].isalnum() else end
    return None


def _mod_97(iban: str) -> bool:
    plain = re.sub(r"[ -]", "", iban).upper()
    if not plain.isascii() or not plain.isalnum():
        return False
    return int("".join(str(int(letter, 36)) for letter in plain[4:] + plain[:4])) % 97 == 1
