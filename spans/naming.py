"""Rules that say which workflow a run belongs to, as a person wrote them."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True, slots=True)
class NamingRule:
    """Maps runs to a workflow: every pattern given must match (`*` and `?` as in file names, case ignored)."""

    workflow: str
    service: str = "*"
    agent: str = "*"
    name: str = "*"
    """Root span name with ids stripped."""
    named: str = "*"
    """The name the run would have without rules. One rule with it renames a workflow, several to one name merge."""

    def matches(self, *, service: str, agent: str, name: str, named: str) -> bool:
        """Whether a run with these belongs to the rule's workflow."""
        given = ((service, self.service), (agent, self.agent), (name, self.name), (named, self.named))
        return all(pattern == "*" or fnmatchcase(text.lower(), pattern.lower()) for text, pattern in given)


@dataclass(frozen=True, slots=True)
class NamingRules:
    """Mapping rules of a project; the first that matches wins."""

    rules: tuple[NamingRule, ...] = ()
