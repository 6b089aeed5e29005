"""contract-review: long runs over contracts that stop for a person before anything is signed."""

from __future__ import annotations

from random import Random

from tracetape.demo.people import COLLEAGUES
from tracetape.demo.script import Call, Hit, Judged, Script, Tool, Turn, Workflow

CONTRACTS = Workflow(
    name="contract-review",
    team="legal",
    instrumentation="openinference",
    provider="anthropic",
    model="claude-sonnet-4-5",
    response_model="claude-sonnet-4-5-20250929",
    system="You review supplier contracts against the playbook and list every deviation with its clause.",
    tools=(
        Tool("read_contract", "Read a section of a contract.", ("contract_id", "section")),
        Tool("search_playbook", "Search the contract playbook.", ("query",)),
        Tool("send_for_signature", "Send a contract to its signatories.", ("contract_id",)),
    ),
    own_tokens=24_000,
    client="ChatAnthropic",
)

_SECTIONS = {
    "liability": "The supplier's liability is unlimited for intent and capped at the annual fee otherwise.",
    "termination": "Either party may terminate with a notice of six months to the end of a calendar year.",
    "data protection": "The supplier processes personal data of employees and may use subcontractors without notice.",
    "payment": "Invoices are payable within 14 days to DE89 3704 0044 0532 0130 00.",
}
_HITS = (
    Hit("playbook-4", "Liability caps below twice the annual fee need the approval of legal.", 0.86),
    Hit("playbook-9", "Subcontractors need prior written notice of 30 days.", 0.81),
    Hit("playbook-2", "Accept payment terms of 30 days or longer.", 0.64),
)
_FINDINGS = (
    "Two deviations: the liability cap is below twice the annual fee, and subcontractors may be used without notice.",
    "One deviation: payment is due within 14 days, the playbook asks for 30 days or longer.",
    "No deviation from the playbook was found.",
)


def write(rng: Random, _days_ago: float = 0.0) -> Script:
    """A review from the first section to the list of deviations."""
    return review(f"SUP-{rng.randrange(200, 320)}", rng)


def review(contract: str, rng: Random) -> Script:
    """The review of one contract."""
    sections = rng.sample(sorted(_SECTIONS), k=3)
    reads = tuple(
        Call("read_contract", {"contract_id": contract, "section": s}, _SECTIONS[s], took_ms=rng.randrange(80, 300))
        for s in sections
    )
    turns = (
        Turn(text="I will read the sections that usually deviate.", calls=reads),
        Turn(calls=(Call("search_playbook", {"query": " ".join(sections)}, hits=_HITS, took_ms=140),)),
        Turn(text=_FINDINGS[rng.randrange(len(_FINDINGS))], extra_output_tokens=rng.randrange(300, 700)),
    )
    right = rng.random() < 0.9
    return Script(
        workflow=CONTRACTS,
        question=f"Please review contract {contract} against our playbook.",
        turns=turns,
        session=f"contract-{contract}",
        user=COLLEAGUES[rng.randrange(len(COLLEAGUES))],
        version="0.8.0",
        judged=(Judged("task_success", "pass" if right else "fail", float(right), by="HUMAN"),)
        if rng.random() < 0.5
        else (),
    )


def waiting(rng: Random) -> Script:
    """A review that paused: the model asked to send the contract, and a person has to allow it."""
    script = review("SUP-301", rng)
    send = Call("send_for_signature", {"contract_id": "SUP-301"})
    return Script(
        workflow=script.workflow,
        question="Please review contract SUP-301 and send it for signature if it follows our playbook.",
        turns=(*script.turns[:2], Turn(text="No deviation was found; I will send it for signature.", calls=(send,))),
        session=script.session,
        user=script.user,
        version=script.version,
        interrupt="(Interrupt(value={'action_requests': [{'name': 'send_for_signature', 'args': {'contract_id': "
        "'SUP-301'}, 'description': 'Tool execution requires approval'}]}),)",
    )
