"""refund-agent: looks up the policy and the order, then refunds; refunds above 500 are stopped by a policy."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from spans.values import Value
from tracetape.demo.people import CUSTOMERS, Person
from tracetape.demo.script import Call, Failure, Hit, Judged, Script, Tool, Turn, Workflow

REFUNDS = Workflow(
    name="refund-agent",
    team="payments",
    instrumentation="otel",
    provider="openai",
    model="gpt-5-mini",
    response_model="gpt-5-mini-2025-08-07",
    system="You are the refund agent of Northwind Furniture. Read the refund policy and the order before you act.",
    tools=(
        Tool("search_policy", "Search the refund policy.", ("query",)),
        Tool("lookup_order", "Read an order with its customer and payment.", ("order_id",)),
        Tool("issue_refund", "Refund an order to its original payment method.", ("order_id", "amount")),
    ),
    own_tokens=6400,
)

LIMIT = 500.0
"""Above this amount the shop's policy wants a person, so the tool refuses."""

_HITS = (
    Hit("policy-12", "Goods may be returned within 30 days. Refunds go to the original payment method.", 0.91),
    Hit("policy-14", "Refunds above 500 need the approval of a supervisor.", 0.83),
    Hit("policy-31", "Damaged goods are refunded in full without a return.", 0.71),
)
_COMPLAINTS = (
    "arrived damaged and I want my money back",
    "never arrived, please refund me",
    "is not what I ordered and I would like a refund",
)


def write(rng: Random, _days_ago: float = 0.0) -> Script:
    """An ordinary run: refunded when the amount allows, denied and handed to a person when it does not."""
    customer = CUSTOMERS[rng.randrange(len(CUSTOMERS))]
    # An order of its own: refunding one order twice is a story of the demo, not its everyday life.
    customer = replace(customer, order=f"NW-{rng.randrange(20_000, 100_000)}")
    return refund(customer, _COMPLAINTS[rng.randrange(len(_COMPLAINTS))], f"refund-{rng.randrange(10**6):06d}", rng)


def refund(customer: Person, complaint: str, session: str, rng: Random) -> Script:
    """A refund request of one customer."""
    question = (
        f"Hello, this is {customer.name} ({customer.email}). My {customer.item} from order {customer.order} {complaint}. "
        f"I paid with card {customer.card}."
    )
    arguments: dict[str, Value] = {"order_id": customer.order, "amount": customer.amount}
    denied = customer.amount > LIMIT
    turns = (
        Turn(
            calls=(Call("search_policy", {"query": "refund policy"}, hits=_HITS, took_ms=rng.randrange(40, 160)),),
            reasoning_tokens=64,
        ),
        Turn(
            calls=(
                Call("lookup_order", {"order_id": customer.order}, _order(customer), took_ms=rng.randrange(60, 240)),
            ),
            reasoning_tokens=64,
        ),
        Turn(calls=(_issue(arguments, rng, denied=denied),), reasoning_tokens=128),
        Turn(text=_answer(customer, denied=denied)),
    )
    label = "handed_off" if denied else ("fail" if rng.random() < 0.06 else "pass")
    return Script(
        workflow=REFUNDS,
        question=question,
        turns=turns,
        session=session,
        user=customer.email,
        version="3.2.0",
        prompt_version="v7",
        judged=(Judged("task_success", label, 1.0 if label == "pass" else 0.0),),
    )


def _order(customer: Person) -> dict[str, Value]:
    return {
        "order_id": customer.order,
        "item": customer.item,
        "amount": customer.amount,
        "currency": "USD",
        "customer": {"name": customer.name, "email": customer.email, "phone": customer.phone},
        "payment": {"card": customer.card},
    }


def _issue(arguments: dict[str, Value], rng: Random, *, denied: bool) -> Call:
    if denied:
        failure = Failure("PermissionError", "policy refunds-above-500: denied, approval of a supervisor required")
        return Call("issue_refund", arguments, failure=failure, took_ms=12, denied_by="refunds-above-500")
    return Call("issue_refund", arguments, {"status": "refunded"}, took_ms=rng.randrange(300, 900))


def _answer(customer: Person, *, denied: bool) -> str:
    if denied:
        return f"I am sorry {customer.name}, a refund of this size needs a supervisor. I have handed your case to one."
    return f"Done, {customer.name}: {customer.amount:.2f} USD go back to the card you paid with, within five days."
