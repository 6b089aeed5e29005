"""Every total of money recomputed by hand from the raw rows: what was sent, priced with pencil and paper, agrees to the cent everywhere."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from dataclasses import dataclass, replace
from decimal import Decimal

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from insights.economics import table_of
from insights.policies import book_of
from insights.standing import COUNTED_SHAPES, budget_of, standing_of
from runs.facts import facts_of
from spans.policy import Budget
from store import open_store
from store.api import RunQuery, Totals
from store.hours import HourField, HourQuery
from store.ledger import Ledger
from store.measures import REPORTED, Comparison, SpendField
from tests.runs.scoring import _protobuf, assemble_all, items_in
from tracetape.judges import Judges
from web.format import money, percent
from web.pages.overview import CHART_BARS, build_overview
from web.places import Place, TimeRange

HOUR_NS = 3_600 * 10**9
DAY_NS = 24 * HOUR_NS
BEGIN_NS = 1_794_614_400 * 10**9
NOW_NS = BEGIN_NS + 10 * DAY_NS
"""The day on which the captures of the tests were received: nothing begins after it arrived."""
POLICY = "workflow_id: {}\nsuccess: {{status: ok, no_denials: true}}\nbudget: {{usd: {}, per: {}}}\n"
IN_PRICE, OUT_PRICE = Decimal("0.15") / 1_000_000, Decimal("0.60") / 1_000_000
"""US dollars per token of gpt-4o-mini, from the maker's price page."""
OWN_MODEL = "house-model-7"
"""In no price list: the cost that the sender says is all that is known."""


@dataclass(frozen=True)
class Row:
    """One run as it was sent: what a person with pencil and paper starts from."""

    number: int
    workflow: str
    environment: str
    version: str
    tenant: str
    user: str
    mode: str
    at_ns: int
    calls: tuple[tuple[int, int, Decimal | None], ...]
    """(input tokens, output tokens, the cost that the sender says or None) of each model call."""
    failed: bool
    denied: bool

    @property
    def usd(self) -> Decimal:
        return sum(
            (IN_PRICE * given + OUT_PRICE * made if said is None else said for given, made, said in self.calls),
            Decimal(0),
        )

    @property
    def good(self) -> bool:
        return not self.failed and not self.denied

    @property
    def session(self) -> str:
        return f"s{self.number % 4}"


def raw_rows(count: int = 240) -> list[Row]:
    rng = random.Random(20_261_126)
    rows = []
    for number in range(count):
        calls = tuple(
            (
                rng.randrange(100, 90_000),
                rng.randrange(1, 9_000),
                rng.choice([None, Decimal(rng.randrange(1, 999)) / 10_000]),
            )
            for _ in range(rng.randrange(1, 4))
        )
        rows.append(
            Row(
                number,
                workflow=rng.choice(["refunds", "triage"]),
                environment=rng.choice(["production", "production", "staging"]),
                version=rng.choice(["v1", "v2"]),
                tenant=rng.choice(["acme", "globex"]),
                user=rng.choice(["u1", "u2", "u3"]),
                mode="shadow" if rng.random() < 0.1 else "live",
                at_ns=BEGIN_NS + rng.randrange(10 * DAY_NS),
                calls=calls,
                failed=rng.random() < 0.2,
                denied=rng.random() < 0.1,
            )
        )
    return rows


def sent(row: Row) -> dict[str, object]:
    """The row as OTLP/JSON."""

    def span(n: int, name: str, attributes: dict[str, object], error: bool = False) -> dict[str, object]:
        said = []
        for key, value in attributes.items():
            kind = (
                "intValue" if isinstance(value, int) else "doubleValue" if isinstance(value, float) else "stringValue"
            )
            said.append({"key": key, "value": {kind: str(value) if kind == "intValue" else value}})
        return {
            "traceId": f"{row.number + 1:032x}",
            "spanId": f"{row.number * 100 + n + 1:016x}",
            **({"parentSpanId": f"{row.number * 100 + 1:016x}"} if n else {}),
            "name": name,
            "startTimeUnixNano": str(row.at_ns + n),
            "endTimeUnixNano": str(row.at_ns + n + 10**9),
            "attributes": said,
            "status": {"code": 2 if error else 1},
        }

    root = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": row.workflow,
        "gen_ai.agent.version": row.version,
        "openinference.span.kind": "AGENT",
        "metadata": json.dumps({"tenant": row.tenant}),
        "user.id": row.user,
        "session.id": row.session,
        "tracetape.mode": row.mode,
    }
    spans = [span(0, f"invoke_agent {row.workflow}", root, error=row.failed)]
    for n, (given, made, said) in enumerate(row.calls, 1):
        call: dict[str, object] = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "gpt-4o-mini" if said is None else OWN_MODEL,
            "gen_ai.usage.input_tokens": given,
            "gen_ai.usage.output_tokens": made,
        }
        spans.append(
            span(n, "chat gpt-4o-mini", call | ({"gen_ai.usage.cost": float(said)} if said is not None else {}))
        )
    if row.denied:
        stopped = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "pay", "error.type": "PermissionError"}
        spans.append(span(9, "execute_tool pay", {**stopped, "policy.decision": "deny"}, error=True))
    resource = [
        {"key": "service.name", "value": {"stringValue": row.workflow}},
        {"key": "deployment.environment.name", "value": {"stringValue": row.environment}},
    ]
    scope = {"scope": {"name": "by hand"}, "spans": spans}
    return {"resourceSpans": [{"resource": {"attributes": resource}, "scopeSpans": [scope]}]}


ROWS = raw_rows()


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """The rows through decode, facts, assembly and the judges, in the embedded engine."""
    folder = tmp_path_factory.mktemp("totals")
    ledger = Ledger.open(f"sqlite:///{folder / 'ledger.sqlite'}")
    for workflow, usd, per in (("refunds", 5, "1d"), ("triage", 40, "30d")):
        ledger.policies.save("default", workflow, workflow, POLICY.format(workflow, usd, per), author="a")
    bodies = [("traces", _protobuf(json.dumps(sent(row)).encode(), ExportTraceServiceRequest)) for row in ROWS]
    assemblies = assemble_all([facts_of(item) for item in items_in(bodies)])
    store = open_store(f"chdb://{folder / 'store'}")
    store.migrate()
    store.write_derived(Judges(ledger).judge(list(assemblies.values())))
    while store.roll_up():
        pass
    yield store, book_of(ledger.policies.current("default"))
    store.close()
    ledger.close()


def by_hand(field: str, rows: list[Row]) -> dict[str, Decimal]:
    found: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        found[getattr(row, field)] += row.usd
    return dict(found)


def cents(amounts: dict[str, Decimal]) -> dict[str, Decimal]:
    return {key: value.quantize(Decimal("0.000001")) for key, value in amounts.items()}


RANGE = RunQuery("default", since_ns=BEGIN_NS, until_ns=NOW_NS)


@pytest.mark.parametrize("workflow", ["refunds", "triage"])
@pytest.mark.parametrize("environment", [None, "production", "staging"])
def test_cost_per_success_and_what_failures_cost(stored, workflow, environment):
    store, policies = stored
    query = RunQuery("default", since_ns=BEGIN_NS, until_ns=NOW_NS, workflow=workflow, environment=environment)
    rows = [r for r in ROWS if r.workflow == workflow and environment in (None, r.environment) and r.mode == "live"]
    good, spent = sum(r.good for r in rows), sum((r.usd for r in rows), Decimal(0))
    figures = standing_of(store, query, policies.find(workflow), NOW_NS).figures
    assert (figures.row.runs, figures.row.success) == (len(rows), good)
    assert figures.row.cost_usd == pytest.approx(spent, abs=Decimal("1e-9"))
    assert figures.cost_per_success == pytest.approx(spent / good, abs=Decimal("1e-9"))
    assert figures.success_rate == pytest.approx(good / len(rows))
    wasted = sum((r.usd for r in rows if not r.good), Decimal(0))
    assert figures.wasted_usd == pytest.approx(wasted, abs=Decimal("1e-9"))


@pytest.mark.parametrize(
    ("by", "field"), [("version", "version"), ("workflow", "workflow"), ("attr.metadata.tenant", "tenant")]
)
def test_the_tables_of_cost_per_success(stored, by, field):
    live = [r for r in ROWS if r.mode == "live"]
    got: defaultdict[str, Decimal] = defaultdict(Decimal)
    good: defaultdict[str, int] = defaultdict(int)
    for row in table_of(stored[0].economics(RANGE, by)):
        got[row.key] += row.row.cost_usd or 0
        good[row.key] += row.row.success
    assert cents(got) == cents(by_hand(field, live))
    assert good == {key: sum(r.good for r in live if getattr(r, field) == key) for key in good}


@pytest.mark.parametrize(("workflow", "days", "usd"), [("refunds", 1, 5), ("triage", 30, 40)])
@pytest.mark.parametrize("at_ns", [NOW_NS - 1, BEGIN_NS + 4 * DAY_NS + 17 * HOUR_NS])
def test_budgets(stored, workflow, days, usd, at_ns):
    store, policies = stored
    query = RunQuery("default", workflow=workflow)
    state = budget_of(store, query, policies.find(workflow), at_ns)
    assert state is not None
    assert state.budget == Budget(Decimal(usd), days)
    inside = [
        r for r in ROWS if r.workflow == workflow and r.mode == "live" and state.period.since_ns <= r.at_ns < at_ns
    ]
    assert state.period.since_ns <= at_ns < state.period.until_ns == state.period.since_ns + days * DAY_NS
    spent = sum((r.usd for r in inside), Decimal(0))
    assert state.spent_usd == pytest.approx(spent, abs=Decimal("1e-9"))
    assert state.left_usd == pytest.approx(usd - spent, abs=Decimal("1e-9"))
    assert state.share == pytest.approx(float(spent / usd))


@pytest.mark.parametrize("workflow", ["refunds", "triage"])
def test_how_fast_a_budget_burns_and_where_it_will_end(stored, workflow):
    store, policies = stored
    state = budget_of(store, RunQuery("default", workflow=workflow), policies.find(workflow), NOW_NS)
    assert state is not None

    def spent(window_ns: int) -> Decimal:
        live = (r for r in ROWS if r.workflow == workflow and r.mode == "live")
        return sum((r.usd for r in live if NOW_NS - window_ns <= r.at_ns < NOW_NS), Decimal(0))

    length_ns = state.period.until_ns - state.period.since_ns
    for rule, long, short in state.burns:
        for got, window_ns in ((long, rule.long_ns), (short, rule.short_ns)):
            assert got == pytest.approx(float(spent(window_ns) / state.budget.usd) * length_ns / window_ns)
    assert state.per_day_usd == pytest.approx(spent(7 * DAY_NS) / 7)
    rest = state.spent_usd + spent(7 * DAY_NS) * (state.period.until_ns - NOW_NS) / (7 * DAY_NS)
    assert state.forecast_usd == pytest.approx(rest)


@pytest.mark.parametrize("environment", ["", "production"])
def test_the_overview_says_what_the_pages_of_workflows_say(stored, environment):
    """Shadow runs are spend, and neither a job nor part of the cost of a success."""
    store, policies = stored
    query = replace(RANGE, environment=environment or None, shape=COUNTED_SHAPES)
    place = Place("", "default", TimeRange(BEGIN_NS, NOW_NS), environment)
    totals, series, fleet = store.totals(query), store.series(query, CHART_BARS), store.fleet(query)
    page = build_overview(place, totals, Totals(), series, fleet)
    rows = [r for r in ROWS if environment in ("", r.environment)]
    live = [r for r in rows if r.mode == "live"]
    good, spent = sum(r.good for r in live), sum((r.usd for r in live), Decimal(0))
    told = {tile.label: tile.value for tile in page.tiles}
    assert told["Spend"] == money(sum((r.usd for r in rows), Decimal(0)))
    assert told["Cost per success"] == money(spent / good)
    assert told["Success"] == percent(good / len(live))
    assert sum(bucket.totals.cost_usd or 0 for bucket in series) == totals.cost_usd
    assert len(page.fleet) == len({(r.workflow, r.environment) for r in rows})
    for line in page.fleet:
        own = replace(query, workflow=line.workflow, environment=line.environment)
        figures = standing_of(store, own, policies.find(line.workflow), NOW_NS).figures
        assert line.cost_per_success == figures.cost_per_success
        assert line.success == percent(figures.success_rate)
        mine = [r for r in rows if (r.workflow, r.environment) == (line.workflow, line.environment)]
        assert line.spend_usd == pytest.approx(sum((r.usd for r in mine), Decimal(0)), abs=Decimal("1e-9"))


def test_every_other_total(stored):
    """Lists, the fleet, the roll-ups by hour and the page Spend count every run, shadow too, and say the same sum."""
    store = stored[0]
    spent = sum((r.usd for r in ROWS), Decimal(0))
    assert store.totals(RANGE).cost_usd == pytest.approx(spent, abs=Decimal("1e-9"))
    fleet: defaultdict[str, Decimal] = defaultdict(Decimal)
    for line in store.fleet(RANGE):
        fleet[line.workflow] += line.totals.cost_usd or 0
    assert cents(fleet) == cents(by_hand("workflow", ROWS))
    hours = store.hours(HourQuery("default", BEGIN_NS, NOW_NS), (HourField.HOUR,))
    got = {hour.hour_ns: hour.cost_usd or Decimal(0) for hour in hours}
    want: defaultdict[int, Decimal] = defaultdict(Decimal)
    for row in ROWS:
        want[row.at_ns // HOUR_NS * HOUR_NS] += row.usd
    assert cents(got) == cents(want)
    where = Comparison("", "", BEGIN_NS, NOW_NS, BEGIN_NS - DAY_NS, BEGIN_NS)
    for field, name, attribute in (
        (SpendField.WORKFLOW, "workflow", ""),
        (SpendField.VERSION, "version", ""),
        (SpendField.USER, "user", ""),
        (SpendField.SESSION, "session", ""),
        (SpendField.WORKFLOW, "tenant", "metadata.tenant"),
    ):
        parts = store.measures.spend_parts("default", where, field, attribute)
        assert {p.value: p.usd for p in parts} == pytest.approx({k: float(v) for k, v in by_hand(name, ROWS).items()})


def test_spend_by_token_class_adds_up_to_the_whole(stored):
    """Priced calls by the lines of their price, calls whose cost the sender told by that alone."""
    want: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in ROWS:
        for given, made, said in row.calls:
            if said is None:
                want["input"] += IN_PRICE * given
                want["output"] += OUT_PRICE * made
            else:
                want[REPORTED] += said
    where = Comparison("", "", BEGIN_NS, NOW_NS, BEGIN_NS - DAY_NS, BEGIN_NS)
    parts = stored[0].measures.spend_parts("default", where, SpendField.TOKEN_CLASS)
    assert {p.value: p.usd for p in parts} == pytest.approx({name: float(usd) for name, usd in want.items()})


def test_spend_by_model_is_split_by_the_calls_of_each_run(stored):
    """A run that asks two models pays both: its whole cost is not that of the one it names first."""
    spent: defaultdict[str, Decimal] = defaultdict(Decimal)
    runs: defaultdict[str, set[int]] = defaultdict(set)
    for row in ROWS:
        for given, made, said in row.calls:
            model = "gpt-4o-mini" if said is None else OWN_MODEL
            spent[model] += IN_PRICE * given + OUT_PRICE * made if said is None else said
            runs[model].add(row.number)
    assert any(row.number in runs[OWN_MODEL] & runs["gpt-4o-mini"] for row in ROWS)
    halves = Comparison("", "", BEGIN_NS + 5 * DAY_NS, NOW_NS, BEGIN_NS, BEGIN_NS + 5 * DAY_NS)
    parts = stored[0].measures.spend_parts("default", halves, SpendField.MODEL)
    assert {p.value: p.usd + p.before_usd for p in parts} == pytest.approx({k: float(v) for k, v in spent.items()})
    assert {p.value: p.runs + p.before_runs for p in parts} == {model: len(some) for model, some in runs.items()}
