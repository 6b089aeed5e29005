"""How grave a tool's action is: the policy's word first, then the words of the tool's name."""

from __future__ import annotations

from insights.repeats import guess_effect, words_of
from spans.attempts import Harm
from spans.policy import Policy, ToolEffect

_MONEY = frozenset(
    [
        "charge",
        "credit",
        "debit",
        "invoice",
        "pay",
        "payment",
        "payout",
        "purchase",
        "refund",
        "refunds",
        "transfer",
        "wire",
        "withdraw",
        "adjustment",
    ]
)
_MAIL = frozenset(["email", "mail", "message", "notify", "publish", "reply", "send", "sms", "tweet"])
_DELETE = frozenset(["cancel", "delete", "drop", "purge", "remove", "terminate", "truncate", "wipe"])


def harm_of(tool: str, policy: Policy | None = None) -> Harm:
    """What the tool could do at worst: money, mail, delete, write or read; unknown names count as writes."""
    said = policy.tool_effects.get(tool) if policy is not None else None
    effect = said or guess_effect(tool)
    if effect is ToolEffect.READ:
        return Harm.READ
    words = set(words_of(tool))
    for harm, known in ((Harm.MONEY, _MONEY), (Harm.MAIL, _MAIL), (Harm.DELETE, _DELETE)):
        if words & known:
            return harm
    return Harm.DELETE if effect is ToolEffect.IRREVERSIBLE else Harm.WRITE
