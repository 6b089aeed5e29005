"""ticket-triage: many short runs that look for similar tickets and file the new one."""

from __future__ import annotations

from random import Random

from tracetape.demo.people import CUSTOMERS
from tracetape.demo.script import Call, Hit, Judged, Script, Tool, Turn, Workflow

TRIAGE = Workflow(
    name="ticket-triage",
    team="support",
    instrumentation="openinference",
    provider="openai",
    model="gpt-4o-mini",
    response_model="gpt-4o-mini-2024-07-18",
    system="You sort support tickets. Find similar tickets, choose a queue and a priority, and file the ticket.",
    tools=(
        Tool("similar_tickets", "Find similar tickets.", ("query",)),
        Tool("file_ticket", "File a ticket in a queue.", ("queue", "priority", "summary")),
    ),
    own_tokens=3200,
)

_TICKETS = (
    ("delivery", "normal", "Where is my parcel? It should have been here on Monday."),
    ("billing", "high", "I was charged twice for the same order."),
    ("returns", "normal", "How do I send back a chair that does not fit?"),
    ("technical", "low", "The assembly instructions link in your e-mail does not open."),
    ("delivery", "high", "The driver left the desk in the rain and it is ruined."),
    ("billing", "normal", "Please send me an invoice with our company address."),
)
_HITS = (
    Hit("ticket-8841", "Parcel delayed at the depot; resolved after a call to the carrier.", 0.88),
    Hit("ticket-8790", "Charged twice because the browser sent the form twice; one charge was released.", 0.79),
)


def write(rng: Random, _days_ago: float = 0.0) -> Script:
    """One ticket from arrival to its queue."""
    queue, priority, text = _TICKETS[rng.randrange(len(_TICKETS))]
    customer = CUSTOMERS[rng.randrange(len(CUSTOMERS))]
    filed = Call(
        "file_ticket",
        {"queue": queue, "priority": priority, "summary": text},
        {"filed": True, "queue": queue},
        took_ms=rng.randrange(50, 150),
    )
    turns = (
        Turn(calls=(Call("similar_tickets", {"query": text}, hits=_HITS, took_ms=rng.randrange(30, 120)),)),
        Turn(calls=(filed,)),
        Turn(text=f"Filed under {queue} with {priority} priority."),
    )
    right = rng.random() < 0.93
    return Script(
        workflow=TRIAGE,
        question=f"{text}\n\n{customer.name}, {customer.phone}",
        turns=turns,
        session=f"inbox-{rng.randrange(10**6):06d}",
        user=customer.email,
        version="1.9.1",
        judged=(Judged("task_success", "pass" if right else "fail", float(right)),) if rng.random() < 0.7 else (),
    )
