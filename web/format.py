"""Numbers as people read them: money, tokens, durations, times, shares and changes. Pure; no locale, no clock."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal

from markupsafe import Markup

NONE = "\N{EN DASH}"
"""What an absent number looks like; absent is never zero."""
NBSP = "\N{NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"

_NS_PER_MS = 1_000_000
_NS_PER_S = 1_000_000_000
_MINUTE_S = 60
_HOUR_S = 3600
_DAY_S = 86_400


def money(usd: Decimal | None) -> str:
    """Dollars: `$1.2 k`, `$12.40`, `$0.62`, `$0.0142`; four significant digits below a cent; a dash when unpriced."""
    if usd is None:
        return NONE
    if usd < 0:
        return MINUS + money(-usd)
    if usd == 0:
        return "$0"
    if usd >= 1000:
        return f"${_scaled(usd)}"
    if usd >= Decimal("0.995"):
        return f"${_round(usd, 2)}"
    if usd >= Decimal("0.01"):
        return "$" + _at_least(_round(usd, 4), 2)
    if usd < Decimal("0.00000001"):
        return "<$0.00000001"
    digits = 3 - usd.adjusted()
    return "$" + format(_round(usd, digits), "f").rstrip("0")


def exact_money(usd: Decimal | None) -> str:
    """Every digit we have, for hover and print."""
    return NONE if usd is None else f"${usd.normalize():f}"


def cell(value: Decimal | float | None) -> Markup:
    """The attribute of a table cell that holds its exact number, for sorting and CSV; nothing where none is known.

    `<td{{ row.cost_usd|cell }}>` shows `$1.2 k` and downloads `1234.56`.
    """
    if value is None:
        return Markup()
    return Markup(' data-v="{}"').format(f"{Decimal(str(value)).normalize():f}")


def _at_least(amount: Decimal, places: int) -> str:
    text = format(amount, "f").rstrip("0")
    whole, _, fraction = text.partition(".")
    return f"{whole}.{fraction.ljust(places, '0')}"


def _round(amount: Decimal, places: int) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


def _scaled(amount: Decimal) -> str:
    for factor, unit in ((Decimal(10) ** 9, "G"), (Decimal(10) ** 6, "M"), (Decimal(1000), "k")):
        # 999 950 would round to "1000.0 k"; the next unit says it shorter
        if amount >= factor * Decimal("0.99995"):
            return f"{_round(amount / factor, 1)}{NBSP}{unit}"
    return f"{_round(amount, 0)}"


def tokens(number: int | None) -> str:
    """Counts of tokens and bytes: `840`, `12.4 k`, `1.2 M`."""
    if number is None:
        return NONE
    return str(number) if abs(number) < 1000 else _scaled(Decimal(number))


def count(number: int | None) -> str:
    """Counts of things: `1,204`."""
    return NONE if number is None else f"{number:,}"


_LEAST_MS = 0.1


def duration(nanoseconds: int | None) -> str:
    """`0.4 ms`, `840 ms`, `3.2 s`, `2 m 14 s`, `3 h 05 m`, `2 d 4 h`."""
    if nanoseconds is None:
        return NONE
    if nanoseconds < 0:
        return MINUS + duration(-nanoseconds)
    if nanoseconds < 10 * _NS_PER_MS:
        milliseconds = nanoseconds / _NS_PER_MS
        if milliseconds < _LEAST_MS:
            return f"<{_LEAST_MS}{NBSP}ms" if nanoseconds else f"0{NBSP}ms"
        return f"{milliseconds:.1f}{NBSP}ms"
    if nanoseconds < 999_500_000:
        return f"{round(nanoseconds / _NS_PER_MS)}{NBSP}ms"
    seconds = nanoseconds / _NS_PER_S
    if seconds < 59.95:
        return f"{seconds:.1f}{NBSP}s"
    whole = round(seconds)
    if whole < _HOUR_S:
        return f"{whole // _MINUTE_S}{NBSP}m {whole % _MINUTE_S:02d}{NBSP}s"
    if whole < _DAY_S:
        return f"{whole // _HOUR_S}{NBSP}h {whole % _HOUR_S // _MINUTE_S:02d}{NBSP}m"
    return f"{whole // _DAY_S}{NBSP}d {whole % _DAY_S // _HOUR_S}{NBSP}h"


def share(part: int, whole: int) -> str:
    """A share in percent: `91.2 %`; a dash of nothing."""
    return percent(part / whole) if whole else NONE


def percent(fraction: float | None) -> str:
    """`91.2 %`, `100 %`, `0 %`; never rounds up to 100 or down to 0."""
    if fraction is None:
        return NONE
    value = fraction * 100
    if value in {0, 100}:
        return f"{value:.0f}{NBSP}%"
    if 0 < value < 0.05:
        return f"<0.1{NBSP}%"
    if 99.95 <= value < 100:
        return f">99.9{NBSP}%"
    return f"{value:.1f}{NBSP}%"


def change(now: float | Decimal | None, before: float | Decimal | None) -> str:
    """Relative change: plus or minus percent, a factor from a doubling on; empty when there is nothing to compare."""
    if now is None or before is None or not before:
        return ""
    ratio = float(now) / float(before)
    if ratio >= 2:
        return f"\N{MULTIPLICATION SIGN}{ratio:.1f}" if ratio < 100 else "\N{MULTIPLICATION SIGN}100 and more"
    moved = round((ratio - 1) * 100)
    if moved == 0:
        return f"\N{PLUS-MINUS SIGN}0{NBSP}%"
    return f"{'+' if moved > 0 else MINUS}{abs(moved)}{NBSP}%"


def moment(nanoseconds: int) -> datetime:
    """Unix nanoseconds as an aware UTC time (microseconds kept)."""
    return datetime.fromtimestamp(nanoseconds // 1000 / 1_000_000, UTC)


def rfc3339(nanoseconds: int) -> str:
    """RFC 3339 with nine digits, as the contract has it."""
    seconds, fraction = divmod(nanoseconds, _NS_PER_S)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{fraction:09d}Z"


def clock(nanoseconds: int) -> str:
    """`14:03:22`, in UTC; a script file turns it into the viewer's zone."""
    return f"{moment(nanoseconds):%H:%M:%S}"


def day_clock(nanoseconds: int) -> str:
    """`20 Nov 14:03`, in UTC."""
    at = moment(nanoseconds)
    return f"{at.day} {at:%b %H:%M}"


def exact_time(nanoseconds: int) -> str:
    """`20 November 2026 14:03:22.123 UTC`, for hover and print."""
    at = moment(nanoseconds)
    return f"{at.day} {at:%B %Y %H:%M:%S}.{at.microsecond // 1000:03d} UTC"


def ago(then_ns: int, now_ns: int) -> str:
    """`now`, `40 s ago`, `2 m ago`, `3 h ago`, `12 d ago`; `in 2 m` for clocks that run ahead."""
    seconds = (now_ns - then_ns) // _NS_PER_S
    if seconds < -_MINUTE_S:
        return f"in {span_of(-seconds)}"
    return "now" if seconds < 5 else f"{span_of(seconds)} ago"


def span_of(seconds: int) -> str:
    """A length of time in its largest unit: `40 s`, `2 m`, `3 h`, `12 d`."""
    for size, unit in ((_DAY_S, "d"), (_HOUR_S, "h"), (_MINUTE_S, "m")):
        if seconds >= size:
            return f"{seconds // size}{NBSP}{unit}"
    return f"{seconds}{NBSP}s"


def short_id(identifier: str) -> str:
    """The first eight characters; the whole id is on hover."""
    return identifier[:8]


def plural(number: int, one: str, many: str = "") -> str:
    """`1 run`, `2 runs`, `1,204 runs`."""
    return f"{number:,}{NBSP}{one if number == 1 else many or one + 's'}"
