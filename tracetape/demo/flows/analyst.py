"""sql-analyst: writes queries and corrects them; one run never stopped correcting."""

from __future__ import annotations

from random import Random

from tracetape.demo.people import COLLEAGUES
from tracetape.demo.script import Call, Failure, Judged, Script, Tool, Turn, Workflow

ANALYST = Workflow(
    name="sql-analyst",
    team="data",
    instrumentation="otel",
    provider="openai",
    model="gpt-4.1",
    response_model="gpt-4.1-2025-04-14",
    system="You answer questions about sales with SQL. Read the schema, write one query, explain the result.",
    tools=(Tool("read_schema", "Read the schema of a table.", ("table",)), Tool("run_query", "Run a query.", ("sql",))),
    own_tokens=14_000,
)

_QUESTIONS = (
    (
        "What did we sell in the north last month?",
        "SELECT sum(net) FROM sales WHERE region = 'north' AND month = '2026-10'",
    ),
    (
        "Which product was returned most often?",
        "SELECT product, count(*) FROM returns GROUP BY product ORDER BY 2 DESC LIMIT 1",
    ),
    (
        "How many customers came back within 90 days?",
        "SELECT count(DISTINCT customer) FROM orders WHERE days_since_last <= 90",
    ),
)
_SCHEMA = "sales(region text, month text, net numeric); returns(product text, at date); orders(customer text, days_since_last int)"
_TYPO = Failure("ProgrammingError", 'column "days_since_last" does not exist')
_REFUSED = Failure(
    "OperationalError",
    "could not connect to postgresql://analyst:Autumn-Leaves-77@warehouse.example.com/sales: too many connections",
)
LOOPS = 36
"""Rounds of the run that never stopped."""


def write(rng: Random, _days_ago: float = 0.0) -> Script:
    """A question with its query; every fifth query fails once and is corrected."""
    question, sql = _QUESTIONS[rng.randrange(len(_QUESTIONS))]
    done = Call(
        "run_query", {"sql": sql}, {"rows": [[rng.choice((1204, 8311, 412))]]}, took_ms=rng.randrange(200, 1500)
    )
    turns = [Turn(calls=(Call("read_schema", {"table": "sales"}, _SCHEMA, took_ms=40),))]
    if rng.random() < 0.2:
        turns.append(Turn(calls=(Call("run_query", {"sql": f"{sql};;"}, failure=_TYPO, took_ms=80),)))
    turns += [Turn(calls=(done,)), Turn(text="Here is the number you asked for, with the query that found it.")]
    right = rng.random() < 0.9
    return _script(question, tuple(turns), rng, Judged("task_success", "pass" if right else "fail", float(right)))


def retry_loop(rng: Random) -> Script:
    """The run that cost too much: the database refuses, the agent asks again and again with a growing history."""
    question, sql = _QUESTIONS[2]
    again = Turn(
        text="The warehouse did not answer. I will try again.",
        calls=(Call("run_query", {"sql": sql}, failure=_REFUSED, took_ms=400),),
        extra_output_tokens=1200,
    )
    last = Turn(text="I could not reach the warehouse.")
    return _script(question, (*([again] * LOOPS), last), rng, Judged("task_success", "fail", 0.0))


def _script(question: str, turns: tuple[Turn, ...], rng: Random, judged: Judged) -> Script:
    return Script(
        workflow=ANALYST,
        question=question,
        turns=turns,
        session=f"notebook-{rng.randrange(10**5):05d}",
        user=COLLEAGUES[rng.randrange(len(COLLEAGUES))],
        version="5.0.2",
        judged=(judged,),
    )
