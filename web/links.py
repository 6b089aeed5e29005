"""Links out to other tools: templates that the operator names, filled with the ids of a run or a step."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from spans.errors import RefusedError
from spans.run import Run, Step

FIELDS = ("trace_id", "span_id", "start_ms", "end_ms", "service", "environment")
"""What a template may ask for; times are Unix milliseconds."""
HOW = (
    "write it like Grafana=https://grafana.example.com/explore?trace={trace_id},Logs=https://logs.example.com/{span_id}"
)
NAME_MAX_CHARS = 40
LINKS_MAX = 12
_NEXT = re.compile(r",(?=[^,=]{1,60}=\s*https?://)", re.IGNORECASE)
"""A comma inside an address stays there: the next link begins with a name and an address."""
_HOLE = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class LinkTemplate:
    """A tool and its address with holes."""

    name: str
    template: str

    @property
    def is_of_a_step(self) -> bool:
        """Whether it leads to a step; otherwise it leads to the run."""
        return "{span_id}" in self.template


@dataclass(frozen=True, slots=True)
class OutLink:
    """A link as it stands on the page."""

    name: str
    href: str


def parse_links(text: str) -> tuple[LinkTemplate, ...]:
    """Links written as `name=URL,name=URL`.

    Raises:
        RefusedError: one of them has no name, no web address or a hole that nothing fills.
    """
    found = tuple(_parse(one) for one in _NEXT.split(text) if one.strip())
    if len(found) > LINKS_MAX:
        raise RefusedError(f"these are {len(found)} links, at most {LINKS_MAX} fit on a page")
    return found


def _parse(text: str) -> LinkTemplate:
    name, equals, template = (piece.strip() for piece in text.partition("="))
    try:
        parts = urlsplit(template)
    except ValueError:
        raise RefusedError(HOW) from None
    is_address = parts.scheme in {"http", "https"} and bool(parts.hostname) and not _HOLE.search(parts.netloc)
    is_plain = not any(c.isspace() or not c.isprintable() or c in '\\"<>' for c in template)
    if not equals or not name or len(name) > NAME_MAX_CHARS or not name.isprintable() or not (is_address and is_plain):
        raise RefusedError(HOW)
    for hole in _HOLE.findall(template):
        if hole not in FIELDS:
            raise RefusedError(f"nothing fills {{{hole}}}; use " + ", ".join(f"{{{field}}}" for field in FIELDS))
    return LinkTemplate(name, template)


def links_of_run(templates: tuple[LinkTemplate, ...], run: Run) -> tuple[OutLink, ...]:
    """Links that lead to the run, in the operator's order."""
    values = {
        "trace_id": run.run_id,
        "start_ms": _ms(run.started_ns),
        "end_ms": _ms(run.started_ns + run.duration_ns),
        "service": run.service,
        "environment": run.environment,
    }
    return tuple(OutLink(t.name, _filled(t, values)) for t in templates if not t.is_of_a_step)


def links_of_step(templates: tuple[LinkTemplate, ...], run: Run, step: Step) -> tuple[OutLink, ...]:
    """Links that lead to one step of it."""
    values = {
        "trace_id": step.trace_id,
        "span_id": step.span_id,
        "start_ms": _ms(step.start_ns),
        "end_ms": _ms(step.start_ns + step.duration_ns),
        "service": run.service,
        "environment": run.environment,
    }
    return tuple(OutLink(t.name, _filled(t, values)) for t in templates if t.is_of_a_step)


def _filled(link: LinkTemplate, values: Mapping[str, str]) -> str:
    """Values are quoted whole: a sender's service name stays one piece of the address."""
    return _HOLE.sub(lambda hole: quote(values[hole.group(1)], safe=""), link.template)


def _ms(ns: int) -> str:
    return str(ns // 1_000_000)
