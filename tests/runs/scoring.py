"""Runs captures through decode, facts, assembly and content without a server, and checks them against the known facts."""

from __future__ import annotations

import base64
import gzip
import json
import re
import tarfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from google.protobuf.json_format import ParseDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector.decode import decode_logs, decode_traces
from runs.assemble import assemble
from runs.facts import facts_of
from runs.present import run_json, spans_json
from runs.pricing import PriceBook
from spans.canonical import content_digest
from spans.clean import CleanLog, CleanSpan, Origin, Redaction
from spans.facts import SpanFacts
from spans.ids import TraceId
from spans.run import Assembly
from spans.span import LogRecord

ORIGIN = Origin(project="default", received_ns=1, received_day=date(2026, 11, 24))
BOOK = PriceBook()


CAPTURES = Path(__file__).parents[1] / "data" / "captures"


def recorded() -> dict[str, Path]:
    """Name → folder or archive of every capture kept with the tests."""
    return {path.name.removesuffix(".tar.xz"): path for path in sorted(CAPTURES.iterdir())}


PROGRAMS = Path(__file__).parents[1] / "data" / "programs"


def programs() -> dict[str, Path]:
    """Name → archive of the traffic of every small agent that `tests.long.record` ran."""
    return {path.name.removesuffix(".tar.xz"): path for path in sorted(PROGRAMS.iterdir())}


@cache
def files_of(path: Path) -> dict[str, bytes]:
    """File name → bytes of a capture, whether it is a folder or an archive of one."""
    if path.is_dir():
        return {file.name: file.read_bytes() for file in path.iterdir()}
    with tarfile.open(path) as archive:
        members = [member for member in archive.getmembers() if member.isfile()]
        return {Path(member.name).name: archive.extractfile(member).read() for member in members}  # type: ignore[union-attr]


@dataclass(frozen=True)
class Capture:
    """Evidence and facts of one folder or archive."""

    name: str
    spans: tuple[CleanSpan, ...]
    logs: tuple[CleanLog, ...]

    def facts(self) -> list[SpanFacts]:
        return [facts_of(item) for item in (*self.spans, *self.logs)]


@cache
def load(path: Path) -> Capture:
    """Decode every request of a capture; redaction is off, since it is another room's work."""
    items = items_in(bodies_of(path))
    spans = [item for item in items if isinstance(item, CleanSpan)]
    logs = [item for item in items if isinstance(item, CleanLog)]
    return Capture(path.name.removesuffix(".tar.xz"), tuple(spans), tuple(logs))


def bodies_of(path: Path) -> list[tuple[str, bytes]]:
    """(signal, protobuf) of every request of a capture that is no metrics."""
    found = []
    for sent in json.loads(read(path, "headers.json")):
        if sent["signal"] != "metrics":
            kind = ExportTraceServiceRequest if sent["signal"] == "traces" else ExportLogsServiceRequest
            raw = read(path, sent["file"])
            found.append((sent["signal"], _protobuf(raw, kind) if ".json" in sent["file"] else raw))
    return found


def split(signal: str, body: bytes) -> list[tuple[str, bytes]]:
    """The same items, each in a request of its own."""
    found = []
    if signal == "traces":
        for group in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in group.scope_spans:
                for span in scope.spans:
                    one = ExportTraceServiceRequest()
                    outer = one.resource_spans.add(resource=group.resource, schema_url=group.schema_url)
                    outer.scope_spans.add(scope=scope.scope, schema_url=scope.schema_url, spans=[span])
                    found.append((signal, one.SerializeToString()))
        return found
    for records in ExportLogsServiceRequest.FromString(body).resource_logs:
        for inner in records.scope_logs:
            for record in inner.log_records:
                single = ExportLogsServiceRequest()
                around = single.resource_logs.add(resource=records.resource, schema_url=records.schema_url)
                around.scope_logs.add(scope=inner.scope, schema_url=inner.schema_url, log_records=[record])
                found.append((signal, single.SerializeToString()))
    return found


def items_in(bodies: list[tuple[str, bytes]]) -> list[CleanSpan | CleanLog]:
    """Clean items of requests, in their order."""
    items: list[CleanSpan | CleanLog] = []
    for signal, body in bodies:
        if signal == "traces":
            items.extend(CleanSpan(span, ORIGIN, (), Redaction.OFF, "") for span in decode_traces(body))
        else:
            items.extend(CleanLog(log, log_id_of(log), ORIGIN, (), Redaction.OFF, "") for log in decode_logs(body))
    return items


def log_id_of(log: LogRecord) -> str:
    return content_digest(
        [log.trace_id, log.span_id, log.time_ns, log.event_name, log.body, dict(log.attributes)]  # type: ignore[list-item]
    )


def read(path: Path, name: str) -> bytes:
    """One file of a capture, decompressed."""
    files = files_of(path)
    raw = files[name] if name in files else files[f"{name}.gz"]
    return gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw


_IDS = frozenset({"traceId", "spanId", "parentSpanId"})


def _protobuf(raw: bytes, kind: Any) -> bytes:
    """OTLP/JSON writes ids in hex where protobuf's JSON wants base64."""

    def fix(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: fix(inner, name) for name, inner in value.items()}
        if isinstance(value, list):
            return [fix(inner) for inner in value]
        if key in _IDS:
            return base64.b64encode(bytes.fromhex(value)).decode()
        return value

    return ParseDict(fix(json.loads(raw)), kind(), ignore_unknown_fields=True).SerializeToString()


def assemble_all(facts: list[SpanFacts]) -> dict[TraceId, Assembly]:
    """Every trace of a set of facts, each with the facts of other traces that share a key."""
    by_trace: dict[TraceId, list[SpanFacts]] = {}
    by_key: dict[str, list[SpanFacts]] = {}
    for one in facts:
        by_trace.setdefault(one.trace_id, []).append(one)
        for key in one.shared_keys:
            by_key.setdefault(key, []).append(one)
    found = {}
    for trace_id, own in by_trace.items():
        keys = {key for one in own for key in one.shared_keys}
        near = {id(one): one for key in keys for one in by_key[key] if one.trace_id != trace_id}
        found[trace_id] = assemble(own, book=BOOK, neighbours=near.values())
    return found


def runs_of(capture: Capture, assemblies: dict[TraceId, Assembly] | None = None) -> list[dict[str, Any]]:
    """What the JSON contract answers for every trace of a capture."""
    assemblies = assemblies if assemblies is not None else assemble_all(capture.facts())
    runs = []
    for trace_id, assembly in assemblies.items():
        spans = [item for item in capture.spans if item.span.trace_id == trace_id]
        logs = [item for item in capture.logs if (item.log.trace_id or facts_of(item).trace_id) == trace_id]
        runs.append({**run_json(assembly.run), "spans": spans_json(assembly.steps, spans, logs)})
    return runs


def checks(path: Path, observed: dict[str, Any], runs: list[dict[str, Any]]) -> dict[str, tuple[Any, Any, bool]]:
    """Name of each applicable check → (got, wanted, passed)."""
    facts = json.loads(read(path, "facts.json"))
    expected = facts["runs"]
    succeeded = [call for run in expected for call in run["model_calls"] if call["status"] < 400]
    every = sum(len(run["model_calls"]) for run in expected)
    sums = {
        key: value for key, value in observed.get("token_attribute_sums", {}).items() if isinstance(value, (int, float))
    }
    wanted = observed.get("facts_token_sums", {})
    carries_tokens = max(sums.values(), default=0)
    found: dict[str, tuple[Any, Any, bool]] = {}
    for fact, key in (("input", "input"), ("output", "output"), ("cached", "cache_read")):
        carried = any(value >= wanted.get(fact, 0) and _names(fact, name) for name, value in sums.items())
        if wanted.get(fact) and carried:
            got = sum(run["usage"][key] or 0 for run in runs)
            found[f"tokens_{fact}"] = (got, wanted[fact], got == wanted[fact])
    if carries_tokens:
        got = sum(run["model_calls"] for run in runs)
        found["model_calls"] = (got, (len(succeeded), every), len(succeeded) <= got <= every)
    tools = Counter(call["name"] for run in expected for call in run["tool_calls"])
    shown = {
        span["tool"]["name"] for run in runs for span in run["spans"] if span["kind"] == "tool" and span["tool"]["name"]
    }
    found["tool_names"] = (sorted(shown & set(tools)), sorted(tools), set(tools) <= shown)
    got = sum(run["tool_calls"] for run in runs)
    found["tool_calls"] = (got, sum(tools.values()), got == sum(tools.values()))
    denied = sum(1 for run in expected for call in run["tool_calls"] if call.get("denied"))
    approvals = sum(len(run.get("approvals") or []) for run in expected)
    got = sum(run["denials"] for run in runs)
    found["denials"] = (got, (denied, denied + approvals), denied <= got <= denied + approvals)
    if observed.get("session_keys"):
        sessions = {run["session_id"] for run in expected if run.get("session_id")}
        seen = {run["session_id"] for run in runs}
        found["sessions"] = (sorted(seen & sessions), sorted(sessions), sessions <= seen)
    if carries_tokens:
        models = {call["model"] for call in succeeded} | {call.get("response_model") for call in succeeded}
        seen = {model for run in runs for model in run["models"]}
        found["models"] = (
            sorted(seen & models),
            sorted({call["model"] for call in succeeded}),
            bool(seen & models) or not succeeded,
        )
    found["final_outputs"] = _final_outputs(facts, runs)
    return found


def _names(fact: str, name: str) -> bool:
    if fact == "cached":
        return "cache" in name
    if fact == "input":
        return ("prompt" in name or "input" in name) and "cache" not in name
    return "completion" in name or ("output" in name and "details" not in name and "reason" not in name)


def _final_outputs(facts: dict[str, Any], runs: list[dict[str, Any]]) -> tuple[int, int, bool]:
    planted = words_in(" ".join(one["value"] for one in facts.get("pii_planted") or [] if len(one["value"]) > 7))
    finals = [words_in(run["final_output"]) - planted for run in facts["runs"] if run.get("final_output")]
    text = " ".join(
        piece for run in runs for span in run["spans"] for piece in _texts([span["output"], span["output_messages"]])
    )
    have = words_in(text)
    got = sum(1 for final in finals if final and len(final & have) >= 0.8 * len(final))
    return got, len(finals), got == len(finals)


def words_in(text: str) -> set[str]:
    """Words of four letters and more."""
    return set(re.findall(r"[A-Za-z]{4,}", text or ""))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _texts(inner)
