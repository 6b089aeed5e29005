"""One small run behind the button "Send a test run": real enough to show every part of the path."""

from __future__ import annotations

import secrets
import time
from pathlib import Path

from tracetape.demo import otel
from tracetape.demo.fleet import DemoRequest
from tracetape.demo.otlp import traces_request
from tracetape.demo.played import play
from tracetape.demo.script import Call, Hit, Script, Tool, Turn, Workflow
from tracetape.demo.send import send

AGO_NS = 8_000_000_000
"""The run starts this long before now, so that it has just ended when it arrives."""

_WORKFLOW = Workflow(
    name="test-run",
    team="tracetape",
    instrumentation="otel",
    provider="openai",
    model="gpt-4o-mini",
    response_model="gpt-4o-mini-2024-07-18",
    system="You answer questions about opening hours. Look them up before you answer.",
    tools=(
        Tool("search_hours", "Search the opening hours.", ("query",)),
        Tool("send_mail", "Send a mail to a customer.", ("to", "text")),
    ),
    own_tokens=320,
)
_SCRIPT = Script(
    workflow=_WORKFLOW,
    question="Hello, I am Maria Lindqvist. When do you open on Saturday? Please mail me at maria.lindqvist@example.com.",
    turns=(
        Turn(
            calls=(
                Call(
                    "search_hours",
                    {"query": "Saturday"},
                    hits=(Hit("hours-6", "On Saturdays the shop is open from 10:00 to 16:00.", 0.93),),
                    took_ms=85,
                ),
            )
        ),
        Turn(
            calls=(
                Call(
                    "send_mail",
                    {"to": "maria.lindqvist@example.com", "text": "On Saturday we are open from 10:00 to 16:00."},
                    {"sent": True},
                    took_ms=210,
                ),
            )
        ),
        Turn(text="I have sent you a mail: on Saturday we are open from 10:00 to 16:00."),
    ),
    session="test-run",
    user="maria.lindqvist@example.com",
    version="1",
    environment="test",
)


def send_test_run(endpoint: str, key: str | None, trust: Path | None = None) -> None:
    """Send one new run to the OTLP/HTTP receiver at `endpoint`, whose certificate may stand in a file.

    Raises:
        RefusedError: the receiver refused it for good.
        BusyError: the receiver cannot be reached or stays busy.
    """
    played = play(_SCRIPT, f"test run {secrets.token_hex(8)}", time.time_ns() - AGO_NS)
    recording = otel.write(played)
    send(endpoint, key, [DemoRequest("traces", traces_request([recording]), len(recording.spans))], trust=trust)
