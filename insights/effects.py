"""What a tool does to the world and how grave that is: the policy's word first, then the words of the tool's name."""

from __future__ import annotations

from spans.attempts import Harm
from spans.policy import Policy, ToolEffect

# One list for all who judge a name: detectors of repeated writes, near misses, drift, the hub and incidents.
# fmt: off
_READ = frozenset([
    "analyse", "analyze", "browse", "calculate", "can", "check", "classify", "compare", "compute", "count", "describe",
    "detect", "download", "estimate", "explain", "extract", "fetch", "filter", "find", "get", "has", "inspect", "is",
    "list", "load", "lookup", "monitor", "parse", "predict", "preview", "query", "rank", "read", "recommend", "retrieve",
    "scan", "score", "search", "show", "simulate", "sort", "suggest", "summarise", "summarize", "track", "translate",
    "validate", "verify", "view",
])
_MONEY = frozenset([
    "adjustment", "bid", "bill", "buy", "charge", "credit", "debit", "deposit", "disburse", "donate", "donation",
    "invoice", "pay", "payment", "payments", "payout", "payouts", "payroll", "purchase", "purchases", "redeem", "refund",
    "refunds", "reimburse", "remit", "sell", "settle", "trade", "trades", "transfer", "transfers", "wire", "withdraw",
    "withdrawal",
])
_MAIL = frozenset([
    "announce", "broadcast", "dm", "email", "forward", "mail", "message", "notification", "notify", "publish", "reply",
    "send", "sms", "tweet",
])
_DELETE = frozenset(["cancel", "delete", "destroy", "drop", "erase", "purge", "remove", "terminate", "truncate", "wipe"])
_IRREVERSIBLE = frozenset([
    "delete", "deploy", "destroy", "drop", "email", "erase", "mail", "pay", "payment", "payments", "payout", "payouts",
    "purge", "sms", "terminate", "transfer", "transfers", "truncate", "wipe", "wire",
])
_WRITE = frozenset([
    "accept", "activate", "add", "adjust", "append", "apply", "approve", "archive", "assign", "ban", "block", "book",
    "change", "clear", "close", "commit", "create", "deactivate", "decline", "disable", "dispatch", "edit", "enable",
    "enroll", "exchange", "grant", "insert", "invite", "issue", "lock", "merge", "modify", "move", "open", "patch",
    "post", "provision", "push", "put", "reboot", "register", "reject", "rename", "replace", "reserve", "reset",
    "restart", "restore", "revoke", "rollback", "rotate", "save", "schedule", "set", "ship", "shutdown", "submit",
    "subscribe", "suspend", "unblock", "unlock", "unsubscribe", "update", "upload", "upsert", "void", "write",
])
_ORDERS = frozenset([
    "appointment", "booking", "checkout", "order", "orders", "reservation", "transaction", "transactions",
])
"""What is bought or booked, after one of `_DOES`: `place_order` buys, `order_items` does not."""
_DOES = frozenset([
    "complete", "confirm", "do", "execute", "finalize", "fulfil", "fulfill", "initiate", "make", "perform", "place",
    "process", "run", "trigger",
])
_THINGS = _ORDERS | _MONEY - {"buy", "pay", "sell"} | (_MAIL - {"send", "notify", "publish"}) | {
    "archive", "block", "book", "change", "commit", "deploy", "exchange", "grant", "issue", "merge", "schedule", "ship",
    "upload",
}
"""Acts that are things as well: what follows may say that the name is about one."""
_ABOUT = frozenset([
    "address", "addresses", "calculator", "classifier", "date", "dates", "detail", "details", "eligibility", "estimate",
    "estimator", "folder", "folders", "form", "history", "id", "ids", "inbox", "info", "information", "limit", "limits",
    "log", "logs", "method", "methods", "metrics", "number", "option", "options", "parser", "pdf", "policies", "policy",
    "price", "rate", "rates", "schema", "settings", "stats", "status", "template", "templates", "terms", "thread",
    "threads", "type", "types", "validator",
])
"""`refund_policy` and `payment_status` are about a thing."""
_TOLD = frozenset(["amount", "report", "reports", "statement", "statements", "summary", "total", "totals"])
"""About money they tell; a message carries them: `email_report` sends."""
_ACCOUNTS = frozenset([
    "account", "accounts", "bank", "beneficiary", "card", "checking", "customer", "iban", "merchant", "payee", "recipient",
    "savings", "user", "vendor", "wallet",
])
"""Where money goes: `transfer_to_account` pays, `transfer_to_billing_agent` only passes the conversation on."""
# fmt: on


def guess_effect(tool: str) -> ToolEffect | None:
    """What a tool does to the world, by the words of its name; None when no word tells.

    The first word that tells decides: `get_refund` reads, `refund_order` writes, and `refund_status` is about a refund.
    Money, mail and removal are never less than a write, as `harm_of` has it.
    """
    words = words_of(tool)
    if _hands_over(words):
        return None
    for place, word in enumerate(words):
        if word in _READ:
            return ToolEffect.READ
        if not _acts(word, words[:place]):
            continue
        if word in _THINGS and _is_about(word, words[place + 1 :]):
            return ToolEffect.READ
        return ToolEffect.IRREVERSIBLE if word in _IRREVERSIBLE else ToolEffect.WRITE
    return None


def harm_of(tool: str, policy: Policy | None = None) -> Harm:
    """What the tool could do at worst: money, mail, delete, write or read; unknown names count as writes."""
    said = policy.tool_effects.get(tool) if policy is not None else None
    effect = said or guess_effect(tool)
    if effect is ToolEffect.READ:
        return Harm.READ
    words = set(words_of(tool))
    if _hands_over(words_of(tool)):
        return Harm.WRITE
    if words & _MONEY or (words & _ORDERS and words & _DOES):
        return Harm.MONEY
    for harm, known in ((Harm.MAIL, _MAIL), (Harm.DELETE, _DELETE)):
        if words & known:
            return harm
    return Harm.DELETE if effect is ToolEffect.IRREVERSIBLE else Harm.WRITE


def words_of(name: str) -> list[str]:
    """`sendMail`, `send-mail` and `mail.send` in words, lower case."""
    spaced = "".join(
        f" {c}" if c.isupper() and i and name[i - 1].islower() else (c if c.isalnum() else " ")
        for i, c in enumerate(name)
    )
    return spaced.lower().split()


def _hands_over(words: list[str]) -> bool:
    """Whether the name is that of a hand-over to another agent or to a person, as agent frameworks name theirs."""
    return words[:2] == ["transfer", "to"] and len(words) > 2 and _ACCOUNTS.isdisjoint(words)


def _acts(word: str, before: list[str]) -> bool:
    if word in _ORDERS:
        return not _DOES.isdisjoint(before)
    return word in _WRITE or word in _IRREVERSIBLE or word in _MONEY or word in _MAIL or word in _DELETE


def _is_about(word: str, after: list[str]) -> bool:
    """Whether the words after an act's name make it the name of something to look at."""
    if not after:
        return False
    if after[-1] in _READ or after[0] in _ABOUT:
        return True
    return word not in _MAIL and not (_ABOUT | _TOLD).isdisjoint(after)
