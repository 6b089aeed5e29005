from __future__ import annotations

from spans.ids import RunId
from spans.roles import Role
from spans.run import Assembly, Run
from tests.builders import NOW_NS, SECOND_NS, a_run
from tests.web.house import House
from web.format import NBSP
from web.pages.job import read_parts

HOUR = 3600 * SECOND_NS
ONE, TWO, THREE = (RunId(letter * 32) for letter in "abc")


def _job(**last) -> list[Run]:
    """Three parts: three hours between the first and the second, twenty minutes to the third."""
    start = NOW_NS - 5 * HOUR
    second = start + SECOND_NS + 3 * HOUR
    return [
        a_run(run_id=ONE, started_ns=start, continued_by=TWO),
        a_run(run_id=TWO, started_ns=second, continues=ONE, continued_by=THREE),
        a_run(run_id=THREE, started_ns=second + SECOND_NS + HOUR // 3, continues=TWO, **last),
    ]


def _notice(house: House, run: RunId) -> str:
    text = house.client(Role.VIEWER).get(f"/runs/{run}").text
    at = text.index("<b>Part ")
    return text[at : text.index("</div>", at)]


def test_each_part_says_which_it_is_how_long_it_waited_and_where_the_others_are(house: House):
    house.store.write_derived([Assembly(run, ()) for run in _job()])
    first, second, third = (_notice(house, run) for run in (ONE, TWO, THREE))
    assert f"<b>Part 1 of 3</b>, part 2 began 3{NBSP}h 00{NBSP}m after its end." in first
    assert (
        f"<b>Part 2 of 3</b>, waited 3{NBSP}h 00{NBSP}m after part 1; part 3 began 20{NBSP}m 00{NBSP}s after" in second
    )
    assert f"<b>Part 3 of 3</b>, waited 20{NBSP}m 00{NBSP}s after part 2." in third
    assert f'href="/runs/{ONE}"' in second
    assert f'href="/runs/{THREE}"' in second
    assert f'href="/runs/{TWO}"' not in second


def test_a_part_that_is_not_stored_any_more_is_not_counted_as_if_it_were(house: House):
    house.store.write_derived([Assembly(run, ()) for run in _job()[1:]])
    assert "<b>Part 1 of the 2 stored</b>" in _notice(house, TWO)
    alone = a_run(run_id=RunId("d" * 32), continues=RunId("e" * 32))
    house.store.write_derived([Assembly(alone, ())])
    assert "This continues an earlier run." in house.client(Role.VIEWER).get(f"/runs/{alone.run_id}").text


def test_parts_that_name_each_other_in_a_circle_end():
    runs = {r.run_id: r for r in _job(continued_by=ONE)}
    assert [r.run_id for r in read_parts(runs.get, runs[TWO])] == [ONE, TWO, THREE]
