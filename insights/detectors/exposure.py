"""States secrets in what agents said and read, and personal data that is new to a tool: hidden in time, but sent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from insights.detectors.base import DAY_NS, MINUTE_NS, Detector, Inputs
from spans.finding import FeatureChange, Finding, FindingKind, Impact, Severity
from spans.run import Run
from store.api import RunQuery

SECRET = "SECRET"  # noqa: S105 - the name of the entity
CONVERSATION = ""
"""Where a secret stood that stood in no tool: prompts, answers, attributes."""
MOST_RUNS = 2_000
HISTORY_RUNS = 500
LEAST_HISTORY = 50
"""Runs of a workflow before which nothing can be new."""
_HISTORY_NS = 30 * DAY_NS
_PAGE = 200


def evaluate(inputs: Inputs) -> Iterable[Finding]:
    """One finding per workflow, environment, entity and place; the value itself is known to nobody."""
    by_workflow: defaultdict[tuple[str, str], list[Run]] = defaultdict(list)
    for run in _runs(inputs, inputs.since_ns, inputs.now_ns, MOST_RUNS):
        if run.entities or run.entities_by_tool:
            by_workflow[run.workflow, run.environment].append(run)
    for (workflow, environment), runs in sorted(by_workflow.items()):
        yield from _secrets(inputs, workflow, environment, runs)
        yield from _new_entities(inputs, workflow, environment, runs)


def places_of(run: Run) -> Mapping[tuple[str, str], int]:
    """Hidden values by place (a tool, or the conversation) and entity."""
    found: dict[tuple[str, str], int] = {}
    in_tools: defaultdict[str, int] = defaultdict(int)
    for name, count in run.entities_by_tool.items():
        tool, _, entity = name.rpartition(" ")
        found[tool, entity] = count
        in_tools[entity] += count
    for entity, count in run.entities.items():
        if count > in_tools[entity]:
            found[CONVERSATION, entity] = count - in_tools[entity]
    return found


def _secrets(inputs: Inputs, workflow: str, environment: str, runs: Sequence[Run]) -> Iterator[Finding]:
    held: defaultdict[str, list[Run]] = defaultdict(list)
    for run in runs:
        for place, entity in places_of(run):
            if entity == SECRET:
                held[place].append(run)
    for place, holding in sorted(held.items()):
        where = f"what {place} was given or answered" if place else "its messages or attributes"
        sentence = f"{workflow or 'A workflow'} sent a secret in {where}. It was hidden before storage; replace it."
        yield _finding(inputs, (workflow, environment), (SECRET, place), holding, sentence, Severity.PAGE)


def _new_entities(inputs: Inputs, workflow: str, environment: str, runs: Sequence[Run]) -> Iterator[Finding]:
    now = {key for run in runs for key in places_of(run) if key[0] and key[1] != SECRET}
    if not now:
        return
    begin = min(run.started_ns for run in runs)
    own = RunQuery(inputs.project, workflow=workflow, environment=environment)
    before = list(_runs(inputs, begin - _HISTORY_NS, begin, HISTORY_RUNS, own))
    if len(before) < LEAST_HISTORY:
        return
    used = {tool for run in before for tool in run.tools}
    known = {key for run in before for key in places_of(run)}
    for tool, entity in sorted(key for key in now - known if key[0] in used):
        holding = [run for run in runs if (tool, entity) in places_of(run)]
        sentence = (
            f"{workflow or 'A workflow'}: {tool} holds {entity}, which it did not in the {len(before)} runs before."
        )
        yield _finding(inputs, (workflow, environment), (entity, tool), holding, sentence, Severity.TICKET)


def _finding(
    inputs: Inputs,
    owner: tuple[str, str],
    what: tuple[str, str],
    runs: Sequence[Run],
    sentence: str,
    severity: Severity,
) -> Finding:
    ordered = sorted(runs, key=lambda run: (run.started_ns, run.run_id))
    (workflow, environment), (entity, place) = owner, what
    values = sum(count for run in runs for key, count in places_of(run).items() if key == (place, entity))
    return Finding(
        kind=FindingKind.EXPOSURE,
        project=inputs.project,
        environment=environment,
        workflow=workflow,
        subject=f"{entity} {place}",
        severity=severity,
        detected_ns=inputs.now_ns,
        since_ns=ordered[0].started_ns,
        summary=sentence,
        features=(FeatureChange(f"hidden {entity}", 0, values, 0.0, "values"),),
        impact=Impact(runs=len(ordered), tools=(place,) if place else ()),
        run_ids=tuple(run.run_id for run in ordered[:20]),
        detail={"entity": entity, "tool": place, "last_ns": ordered[-1].started_ns},
    )


def _runs(inputs: Inputs, since_ns: int, until_ns: int, most: int, own: RunQuery | None = None) -> Iterator[Run]:
    query = replace(own or RunQuery(inputs.project), since_ns=max(0, since_ns), until_ns=until_ns, limit=_PAGE)
    told = 0
    while told < most and query.since_ns != query.until_ns:
        page = inputs.store.find_runs(query)
        yield from page.rows[: most - told]
        told += len(page.rows)
        if page.next_cursor is None:
            return
        query = replace(query, cursor=page.next_cursor)


EXPOSURES = Detector(
    name="exposure",
    kinds=(FindingKind.EXPOSURE,),
    every_ns=5 * MINUTE_NS,
    evaluate=evaluate,
    # Once per entity, workflow and place: the same secret store leaks the same way tomorrow, and one person is on it.
    again_ns=30 * DAY_NS,
    quiet_ns=7 * DAY_NS,
    lag_ns=0,
)
