"""Settings ▸ Workflow names: rules that say which workflow a run belongs to, and what each name came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from spans.errors import RefusedError
from spans.naming import NamingRule, NamingRules
from spans.run import Run
from web.places import Place

_MOST = 120
SOURCE_WORDS: Mapping[str, str] = {
    "rule": "a rule on this page",
    "attribute": "an attribute of the sender",
    "agent": "the root agent's name",
    "service": "the service name",
    "root": "the root span's name",
    "none": "nothing told a name",
}
"""Where a name came from, in the order in which sources are asked."""


@dataclass(frozen=True, slots=True)
class RuleLine:
    """One rule; `index` is its place among the rules that can be changed here."""

    workflow: str
    patterns: tuple[tuple[str, str], ...]
    is_file: bool
    index: int


@dataclass(frozen=True, slots=True)
class NameLine:
    """A workflow as it is named now."""

    workflow: str
    source: str
    runs: int
    services: tuple[str, ...]
    agents: tuple[str, ...]
    href: str


@dataclass(frozen=True, slots=True)
class NamingPage:
    """The page."""

    rules: tuple[RuleLine, ...]
    names: tuple[NameLine, ...]
    may_change: bool
    done: int
    total: int
    looked_at: int


_PATTERN_WORDS = (("service", "service"), ("agent", "agent"), ("name", "root span"), ("named", "named so far"))


def build_naming(
    place: Place,
    runs: Sequence[Run],
    rules: NamingRules,
    file_rules: Sequence[NamingRule],
    *,
    may_change: bool,
    progress: tuple[int, int],
) -> NamingPage:
    """Build the page from the newest runs and the rules of file and ledger."""
    grouped: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        grouped.setdefault((run.workflow, run.workflow_source), []).append(run)
    names = [
        NameLine(
            workflow,
            SOURCE_WORDS.get(source, source),
            len(some),
            tuple(sorted({run.service for run in some if run.service}))[:3],
            tuple(sorted({agent for run in some for agent in run.agents}))[:3],
            place.url("/runs", workflow=workflow, shape="any"),
        )
        for (workflow, source), some in grouped.items()
    ]
    return NamingPage(
        rules=(
            *(_line(rule, is_file=True, index=-1) for rule in file_rules),
            *(_line(rule, is_file=False, index=index) for index, rule in enumerate(rules.rules)),
        ),
        names=tuple(sorted(names, key=lambda line: (-line.runs, line.workflow))),
        may_change=may_change,
        done=progress[0],
        total=progress[1],
        looked_at=len(runs),
    )


def _line(rule: NamingRule, *, is_file: bool, index: int) -> RuleLine:
    patterns = tuple((words, getattr(rule, name)) for name, words in _PATTERN_WORDS if getattr(rule, name) != "*")
    return RuleLine(rule.workflow, patterns, is_file, index)


def parse_rule(workflow: str, patterns: Mapping[str, str]) -> NamingRule:
    """A rule out of a form.

    Raises:
        RefusedError: no name, or no pattern at all.
    """
    called = " ".join(workflow.split())[:_MOST]
    given = {name: text.strip()[:_MOST] for name, text in patterns.items() if text.strip() not in {"", "*"}}
    if not called:
        raise RefusedError("Say which workflow the runs belong to.")
    if not given:
        raise RefusedError(
            "Give a pattern for the service, the agent, the root span or the name so far; * matches any text."
        )
    return NamingRule(called, **given)


def added(rules: NamingRules, rule: NamingRule) -> tuple[NamingRule, ...]:
    """The rules with a new one first, since the latest word of a person counts; the same rule stands once.

    A rename of a name that rules gave is a rename of their names too: what was merged stays together.
    """
    moved = tuple(
        NamingRule(rule.workflow, one.service, one.agent, one.name, one.named)
        if rule.named.lower() == one.workflow.lower() and (rule.service, rule.agent, rule.name) == ("*", "*", "*")
        else one
        for one in rules.rules
    )
    return (rule, *(one for one in moved if one != rule))


def without(rules: NamingRules, index: int, workflow: str) -> tuple[NamingRule, ...]:
    """The rules without the one at a place, if it is still the one that was meant.

    Raises:
        RefusedError: there is none, or another one by now.
    """
    if not 0 <= index < len(rules.rules) or rules.rules[index].workflow != workflow:
        raise RefusedError("The rules have changed meanwhile; look at the list again.")
    return (*rules.rules[:index], *rules.rules[index + 1 :])
