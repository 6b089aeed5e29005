"""The policies of one project, found by workflow: its own, else the one for `*`."""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from insights.policy_file import PolicyFileError, parse_policy
from spans.policy import Policy
from store.ledger.policies import PolicyVersion

logger = logging.getLogger(__name__)

EVERY = "*"


@dataclass(frozen=True, slots=True)
class PolicyBook:
    """Parsed policies by workflow."""

    by_workflow: Mapping[str, Policy] = field(default_factory=dict)

    def find(self, workflow: str) -> Policy | None:
        """The policy that judges this workflow."""
        return self.by_workflow.get(workflow) or self.by_workflow.get(EVERY)


def book_of(versions: Iterable[PolicyVersion]) -> PolicyBook:
    """Parse the versions in force; a text that an older program took and this one does not judges nothing."""
    found: dict[str, Policy] = {}
    for version in versions:
        try:
            found[version.workflow] = _parsed(version.text, version.workflow)
        except PolicyFileError as error:
            logger.warning("a stored policy cannot be read; it judges nothing", extra={"reason": str(error)})
    return PolicyBook(found)


@functools.lru_cache(maxsize=512)
def _parsed(text: str, file: str) -> Policy:
    """A policy never changes, and every look of every detector asks for the same ones."""
    return parse_policy(text, file=file)
