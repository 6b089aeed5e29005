"""Pseudonyms: the stable, keyed token that stands for a hidden value, in a shape that parsers still accept."""

from __future__ import annotations

import hmac
import ipaddress
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Final, NewType

from spans.errors import RefusedError

Pseudonym = NewType("Pseudonym", str)
"""A token that stands for one value, parsed at the door: no value in clear, and none of the fixed texts for many values."""

HIDDEN: Final = "<SECRET>"
"""Stands for every secret. Never keyed: a digest of a secret would be a lookup oracle."""
WITHHELD: Final = "<REDACTION_FAILED>"
"""Stands for a text that could not be redacted."""
PHONE_REGIONS: Final = ("US", "GB", "DE", "FR", "ES", "IT", "IL", "IN", "BR", "AU")
"""Where a phone number without a country code is looked up, first match wins."""
MIN_DIGITS = 8
"""Base32 digits of a token: 0.005 % chance of any collision among 10,000 values, 0.45 % among 100,000."""
MAX_DIGITS = 16

_EMAIL_DOMAIN = "pii.example.net"
_CARD_PREFIX = "9999"  # national numbering of a country that does not exist (ISO/IEC 7812, ISO 3166: no 999)
_IBAN_PREFIX = "9999"  # German bank codes begin with 1 to 8
_PHONE_PREFIX = "+888"  # withdrawn by the ITU, still well-formed for phone libraries
_UUID_PREFIX = "ffffffff-ffff-4"
_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
_TOKEN_YEAR = 1800
"""Dates become a date of 1800 to 1899, which no living person has; day and month stay below 13."""

_TOKEN = re.compile(
    rf"<(?:[A-Z][A-Z0-9_]{{1,40}}_(?:[a-z2-7]{{{MIN_DIGITS},{MAX_DIGITS}}}|REMOVED)|SECRET|REDACTION_FAILED)>"
    rf"|(?<![\w.+%-])p-[a-z2-7]{{{MIN_DIGITS},{MAX_DIGITS}}}@{re.escape(_EMAIL_DOMAIN)}(?![\w-])"
    r"|(?<![\w+])\+888\d{11}(?!\d)"
    r"|(?<![\w-])9999\d{12}(?![\w-])"
    r"|(?<!\w)DE\d\d9999\d{14}(?!\w)"
    r"|(?<![\w-])ffffffff-ffff-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}(?![\w-])"
)
_NEEDLES = (">", _EMAIL_DOMAIN, _PHONE_PREFIX, "9999", _UUID_PREFIX)

_INVISIBLE = re.compile("[\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
"""Letters without width: two spellings that look the same must have one token."""

_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_MONTH_NUMBER: Mapping[str, int] = {name[:3].lower(): number for number, name in enumerate(_MONTHS, 1)}
_ISO_DATE = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})")
_COMPACT_DATE = re.compile(r"((?:1[89]|20)\d\d)(\d\d)(\d\d)")
_DASHED_MONTH = re.compile(r"(\d{1,2})-([A-Za-z]{3,9})-(\d{4})")
_MIDNIGHT = re.compile(r"T00:00.*")
_NUMERIC_DATE = re.compile(r"(\d{1,2})([-/. ])(\d{1,2})\2(\d{4}|\d{2})")
_MONTH_FIRST = re.compile(r"([A-Za-z]{3,9})(\.?) (\d{1,2})((?:st|nd|rd|th)?)(,? )(\d{4})")
_DAY_FIRST = re.compile(r"(\d{1,2})((?:st|nd|rd|th|\.)?) ([A-Za-z]{3,9})(\.?)(,? )(\d{4})")


def pseudonym(entity: str, value: str, key: bytes, *, digits: int = MIN_DIGITS) -> str:
    """The token of a value: equal for equal canonical values of one key, whatever their spelling.

    Args:
        entity: Entity type, for example `PERSON` or `EMAIL_ADDRESS`.
        value: The value as found in the text. A value that is a token already is returned as it is.
        key: Secret key of the project.
        digits: Base32 digits of tokens that spell them, 8 to 16.
    """
    if entity == "SECRET":
        return HIDDEN
    if is_token(value):
        return value
    digest = _digest(entity, canonical(entity, value), key)
    shape = _SHAPES.get(entity)
    shaped = shape(value, digest, digits) if shape else None
    return shaped or f"<{entity}_{_base32(digest, digits)}>"


def removed(entity: str) -> str:
    """The fixed text that stands for any value of an entity when nobody needs to tell two of them apart."""
    return HIDDEN if entity == "SECRET" else f"<{entity}_REMOVED>"


def canonical(entity: str, value: str, regions: Sequence[str] = PHONE_REGIONS) -> str:
    """The one spelling that all spellings of a value share; what the key is applied to.

    Args:
        entity: Entity type; unknown types are compared without case and spacing.
        value: The value as found.
        regions: Regions (ISO 3166) in which a phone number without a country code is tried, in order.
    """
    if not value.isascii():
        value = _INVISIBLE.sub("", unicodedata.normalize("NFKC", value))
        value = "".join(_digit(letter) for letter in value)
    if entity in {"CREDIT_CARD", "IBAN_CODE", "US_SSN", "CRYPTO"}:
        return value if entity == "CRYPTO" else re.sub(r"[\W_]", "", value).upper()
    if entity == "PHONE_NUMBER":
        return _e164(value, regions)
    if entity == "IP_ADDRESS":
        return _address(value)
    if entity in {"DATE_OF_BIRTH", "DATE_TIME"}:
        found = _parse_date(value)
        return found.isoformat() if found else _folded(value)
    return _folded(value)


def is_token(text: str) -> bool:
    """Whether a text is one of our tokens and nothing else."""
    return any(start == 0 and end == len(text) for start, end in token_spans(text))


def with_age(tokens: Iterable[str]) -> Iterator[tuple[str, bool]]:
    """Tokens of one value, each with whether a retired key made it: of every name, the first is of the key in force."""
    seen: set[str] = set()
    for token in tokens:
        name = token.rpartition("_")[0]  # `<PERSON`, or nothing where the shape is that of an address or number
        yield token, name in seen
        seen.add(name)


def parse_pseudonym(text: str) -> Pseudonym:
    """The pseudonym of one value.

    Raises:
        RefusedError: a value in clear, a fixed text that stands for many values, or a token in the shape of a date or
            plain number, which nobody can tell from a real one. The message repeats nothing of the text.
    """
    token = text.strip()
    if not is_token(token) or token in {HIDDEN, WITHHELD} or token.endswith("_REMOVED>"):
        raise RefusedError(
            "This is not the pseudonym of one person, such as <PERSON_…> or p-…@pii.example.net. `tracetape pseudonym` "
            "and Data & privacy, People tell the pseudonym of a name or address; a date of birth is nobody's alone."
        )
    return Pseudonym(token)


def token_spans(text: str) -> Iterator[tuple[int, int]]:
    """Where our tokens stand in a text, in order. Card and IBAN tokens count only with right check digits."""
    if not any(needle in text for needle in _NEEDLES):
        return
    for match in _TOKEN.finditer(text):
        token = match[0]
        if token[0] == "9" and _luhn_digit(token[:-1]) != token[-1]:
            continue
        if token[:2] == "DE" and _iban_check("DE", token[4:]) != token[2:4]:
            continue
        yield match.span()


def is_token_date(text: str) -> bool:
    """Whether a date lies in the century that only our tokens use."""
    found = _parse_date(text)
    return found is not None and _TOKEN_YEAR <= found.year < _TOKEN_YEAR + 100


def _digit(letter: str) -> str:
    """A decimal digit of any script as its ASCII twin."""
    return str(unicodedata.digit(letter)) if letter.isdecimal() else letter


def _digest(entity: str, canonical_value: str, key: bytes) -> int:
    message = f"{entity}\0{canonical_value}".encode("utf-8", "surrogatepass")
    return int.from_bytes(hmac.digest(key, message, "sha256"), "big")


def _base32(digest: int, digits: int) -> str:
    return "".join(_BASE32[(digest >> (251 - 5 * place)) & 31] for place in range(digits))


def _folded(value: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", value).casefold().split())


def _e164(value: str, regions: Sequence[str]) -> str:
    import phonenumbers

    for region in (None, *regions) if not value.lstrip().startswith("+") else (None,):
        try:
            number = phonenumbers.parse(value, region)
        except phonenumbers.NumberParseException:
            continue
        if region is None or phonenumbers.is_valid_number(number):
            return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
    return re.sub(r"\D", "", value)


def _address(value: str) -> str:
    try:
        return str(ipaddress.ip_interface(value.strip()))
    except ValueError:
        return _folded(value)


def _parse_date(value: str) -> date | None:
    text = _MIDNIGHT.sub("", value.strip())
    if found := _ISO_DATE.fullmatch(text):
        return _date(int(found[1]), int(found[3]), int(found[4]))
    if found := _COMPACT_DATE.fullmatch(text):
        return _date(int(found[1]), int(found[2]), int(found[3]))
    if found := _DASHED_MONTH.fullmatch(text):
        return _date(int(found[3]), _MONTH_NUMBER.get(found[2][:3].lower(), 0), int(found[1]))
    if found := _NUMERIC_DATE.fullmatch(text):
        first, second = int(found[1]), int(found[3])
        year = int(found[4]) + (0 if len(found[4]) == 4 else 1900)
        # Slashes are read the American way when both readings are possible: any fixed choice keeps tokens stable.
        day, month = (second, first) if found[2] == "/" and first <= 12 else (first, second)
        return _date(year, month, day) or _date(year, day, month)
    if found := _MONTH_FIRST.fullmatch(text):
        return _date(int(found[6]), _MONTH_NUMBER.get(found[1][:3].lower(), 0), int(found[3]))
    if found := _DAY_FIRST.fullmatch(text):
        return _date(int(found[6]), _MONTH_NUMBER.get(found[3][:3].lower(), 0), int(found[1]))
    return None


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _email(_value: str, digest: int, digits: int) -> str:
    return f"p-{_base32(digest, digits)}@{_EMAIL_DOMAIN}"


def _phone(_value: str, digest: int, _digits: int) -> str:
    return f"{_PHONE_PREFIX}{digest % 10**11:011d}"


def _card(_value: str, digest: int, _digits: int) -> str:
    body = f"{_CARD_PREFIX}{digest % 10**11:011d}"
    return body + _luhn_digit(body)


def _iban(_value: str, digest: int, _digits: int) -> str:
    account = f"{_IBAN_PREFIX}{digest % 10**14:014d}"
    return f"DE{_iban_check('DE', account)}{account}"


def _uuid(_value: str, digest: int, _digits: int) -> str:
    digits = f"{digest % 16**18:018x}"
    return f"{_UUID_PREFIX}{digits[:3]}-8{digits[3:6]}-{digits[6:]}"


def _number(value: str, digest: int, _digits: int) -> str | None:
    """As many digits, the first one 9: length and type stay, so bounds in a schema still hold."""
    if not value.isascii() or not value.isdigit() or len(value) < 4:
        return None
    return f"9{digest % 10 ** (len(value) - 1):0{len(value) - 1}d}"


def _birth_date(value: str, digest: int, _digits: int) -> str | None:
    """A date of the 19th century in the same spelling; None when the value is no date we can spell."""
    text = value.strip()
    if midnight := _MIDNIGHT.search(text):
        plain = _birth_date(text[: midnight.start()], digest, _digits)
        return plain and plain + midnight[0]
    year = _TOKEN_YEAR + digest % 100
    month, day = 1 + digest // 100 % 12, 1 + digest // 1200 % 12
    if found := _ISO_DATE.fullmatch(text):
        return f"{year}{found[2]}{month:02d}{found[2]}{day:02d}"
    if _COMPACT_DATE.fullmatch(text):
        return f"{year}{month:02d}{day:02d}"
    if found := _NUMERIC_DATE.fullmatch(text):
        return f"{day:02d}{found[2]}{month:02d}{found[2]}{year}"
    name = _MONTHS[month - 1]
    if found := _DASHED_MONTH.fullmatch(text):
        return f"{day}-{name if len(found[2]) > 3 else name[:3]}-{year}"
    if found := _MONTH_FIRST.fullmatch(text):
        return f"{name if len(found[1]) > 3 else name[:3]}{found[2]} {day}{found[5]}{year}"
    if found := _DAY_FIRST.fullmatch(text):
        dot = "." if found[2] == "." else ""
        return f"{day}{dot} {name if len(found[3]) > 3 else name[:3]}{found[4]}{found[5]}{year}"
    return None


def _luhn_digit(body: str) -> str:
    total = 0
    for place, digit in enumerate(reversed(body)):
        doubled = int(digit) * (2 if place % 2 == 0 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return str(-total % 10)


def _iban_check(country: str, account: str) -> str:
    digits = "".join(str(int(letter, 36)) for letter in f"{account}{country}00")
    return f"{98 - int(digits) % 97:02d}"


_SHAPES: Mapping[str, Callable[[str, int, int], str | None]] = {
    "EMAIL_ADDRESS": _email,
    "PHONE_NUMBER": _phone,
    "CREDIT_CARD": _card,
    "IBAN_CODE": _iban,
    "UUID": _uuid,
    "NUMBER": _number,
    "DATE_OF_BIRTH": _birth_date,
    "DATE_TIME": _birth_date,
}
"""Entities behind which a parser stands keep its shape; all others become a visible tag."""
