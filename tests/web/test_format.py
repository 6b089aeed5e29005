from __future__ import annotations

from decimal import Decimal

import pytest

from web import format as fmt


def plain(text: str) -> str:
    return text.replace(fmt.NBSP, " ").replace(fmt.MINUS, "-").replace(fmt.NONE, "none")


@pytest.mark.parametrize(
    ("usd", "shown"),
    [
        (None, "none"),
        ("0", "$0"),
        ("0.00000000001", "<$0.00000001"),
        ("0.000061234", "$0.00006123"),
        ("0.00061", "$0.00061"),
        ("0.0099999", "$0.01"),
        ("0.0142", "$0.0142"),
        ("0.011", "$0.011"),
        ("0.214", "$0.214"),
        ("0.62", "$0.62"),
        ("0.6", "$0.60"),
        ("0.99999", "$1.00"),
        ("1", "$1.00"),
        ("12.4", "$12.40"),
        ("38", "$38.00"),
        ("999.994", "$999.99"),
        ("1234", "$1.2 k"),
        ("9310", "$9.3 k"),
        ("999950", "$1.0 M"),
        ("2500000", "$2.5 M"),
        ("-0.62", "-$0.62"),
    ],
)
def test_money_reads_like_the_visual_language(usd, shown):
    assert plain(fmt.money(None if usd is None else Decimal(usd))) == shown


def test_exact_money_has_every_digit_and_no_exponent():
    assert fmt.exact_money(Decimal("0.0000000612")) == "$0.0000000612"
    assert fmt.exact_money(Decimal("1E+3")) == "$1000"
    assert plain(fmt.exact_money(None)) == "none"


@pytest.mark.parametrize(
    ("nanoseconds", "shown"),
    [
        (None, "none"),
        (0, "0 ms"),
        (400_000, "0.4 ms"),
        (18_000, "<0.1 ms"),
        (840_000_000, "840 ms"),
        (999_600_000, "1.0 s"),
        (3_200_000_000, "3.2 s"),
        (59_970_000_000, "1 m 00 s"),
        (134_000_000_000, "2 m 14 s"),
        (11_100_000_000_000, "3 h 05 m"),
        (187_200_000_000_000, "2 d 4 h"),
        (-5_000_000_000, "-5.0 s"),
    ],
)
def test_durations_read_like_the_visual_language(nanoseconds, shown):
    assert plain(fmt.duration(nanoseconds)) == shown


@pytest.mark.parametrize(
    ("number", "shown"),
    [(None, "none"), (0, "0"), (999, "999"), (12_400, "12.4 k"), (1_250_000, "1.3 M"), (4_000_000_000, "4.0 G")],
)
def test_tokens_are_short(number, shown):
    assert plain(fmt.tokens(number)) == shown


def test_counts_have_thousands():
    assert fmt.count(1204) == "1,204"
    assert plain(fmt.count(None)) == "none"


@pytest.mark.parametrize(
    ("fraction", "shown"),
    [(None, "none"), (0, "0 %"), (1, "100 %"), (0.912, "91.2 %"), (0.99999, ">99.9 %"), (0.00001, "<0.1 %")],
)
def test_percent_never_rounds_to_all_or_nothing(fraction, shown):
    assert plain(fmt.percent(fraction)) == shown


@pytest.mark.parametrize(
    ("now", "before", "shown"),
    [
        (131, 100, "+31 %"),
        (92, 100, "-8 %"),
        (420, 100, "\N{MULTIPLICATION SIGN}4.2"),
        (100, 100, "±0 %"),
        (100, 0, ""),
        (None, 100, ""),
        (100, None, ""),
        (Decimal("0.5"), Decimal("0.4"), "+25 %"),
    ],
)
def test_changes_say_direction_and_size(now, before, shown):
    assert plain(fmt.change(now, before)) == shown


def test_times_are_utc_with_every_digit_kept():
    at = 1_763_640_202_123_456_789
    assert fmt.rfc3339(at) == "2025-11-20T12:03:22.123456789Z"
    assert fmt.clock(at) == "12:03:22"
    assert fmt.day_clock(at) == "20 Nov 12:03"
    assert fmt.exact_time(at) == "20 November 2025 12:03:22.123 UTC"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(2, "now"), (40, "40 s ago"), (125, "2 m ago"), (7200, "2 h ago"), (1_036_800, "12 d ago"), (-300, "in 5 m")],
)
def test_ago_uses_the_largest_unit(seconds, shown):
    assert plain(fmt.ago(0, seconds * 1_000_000_000)) == shown


def test_plural_knows_one():
    assert plain(fmt.plural(1, "run")) == "1 run"
    assert plain(fmt.plural(1204, "run")) == "1,204 runs"
    assert plain(fmt.plural(2, "call was", "calls were")) == "2 calls were"
