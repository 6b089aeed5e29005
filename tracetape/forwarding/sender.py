"""The loop of the forwarder: next batch, send it whatever it takes, advance the offset."""

from __future__ import annotations

import base64
import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any

from spans.errors import HouseError
from spans.health import ForwardSignal
from tracetape.forwarding.otlp import Request, count_of, halves_of, parse_request
from tracetape.forwarding.post import LONGEST_WAIT_S, Post, Verdict

logger = logging.getLogger(__name__)

Ask = Callable[[str, Mapping[str, Any]], Mapping[str, Any]]
IDLE_S = 0.5
FIRST_PAUSE_S = 1.0
POST_BYTES = 3 * 1024 * 1024
"""One request: collectors refuse more than 4 MiB unless told otherwise."""


class Forwarder:
    """Sends every item of one signal at least once, in the order of the journal. Dies anywhere without losing one.

    What the destination took and we did not note yet is sent once more after a restart; span ids tell it so.
    """

    def __init__(
        self, ask: Ask, post: Post, signal: ForwardSignal = "spans", *, first_pause_s: float = FIRST_PAUSE_S
    ) -> None:
        self._ask: Ask = lambda verb, arguments: ask(verb, {"signal": signal, **arguments})
        self._signal = signal
        self._post = post
        self._first_pause_s = first_pause_s
        self._stop = threading.Event()
        self._was_taken = False
        """Whether the destination ever took an item: until then a refusal speaks of our settings, not of an item."""

    def stop(self) -> None:
        """Leave soon; safe to call twice."""
        self._stop.set()

    def run(self) -> None:
        """Send until told to stop."""
        while not self._stop.is_set():
            if not self.step():
                self._stop.wait(IDLE_S)

    def step(self) -> bool:
        """Send the next batch; False when there was none, main is away, or we were told to stop."""
        try:
            batch = self._ask("forward_next", {})
        except HouseError:
            return False
        if not batch:
            return False
        self._was_taken = self._was_taken or bool(batch["taken"])
        request = parse_request(base64.b64decode(batch["body"]), self._signal)
        done = self._believed(request) if batch["items"] else (0, 0)
        if done is None:
            return False
        sent, refused = done
        while not self._stop.is_set():
            try:
                self._ask("forward_advance", {"done": batch["done"], "sent": sent, "refused": refused})
            except HouseError:
                self._stop.wait(IDLE_S)
            else:
                return True
        return False

    def _believed(self, request: Request) -> tuple[int, int] | None:
        """Like `_surely`, but a destination that never took anything is not believed when it refuses everything."""
        pause_s = self._first_pause_s
        while (done := self._surely(request)) is not None:
            if done[0] or self._was_taken:
                return done
            self._tell("The destination refuses everything; check its address and what it accepts.")
            self._stop.wait(pause_s)
            pause_s = min(LONGEST_WAIT_S, pause_s * 2)
        return None

    def _surely(self, request: Request) -> tuple[int, int] | None:
        """(taken, refused for good) of these items; tries until one of both is true of each, None when told to stop."""
        pause_s = self._first_pause_s
        while not self._stop.is_set():
            if request.ByteSize() > POST_BYTES and count_of(request) > 1:
                return self._halves(request)
            answer = self._post(request)
            if answer.verdict is Verdict.TAKEN:
                rejected = min(answer.rejected, count_of(request))
                self._was_taken = self._was_taken or rejected < count_of(request)
                return count_of(request) - rejected, rejected
            if answer.verdict is Verdict.REFUSED:
                if count_of(request) > 1:
                    return self._halves(request)
                logger.warning("the destination refused an item", extra={"reason": answer.sentence})
                return 0, 1
            self._tell(answer.sentence)
            self._stop.wait(max(pause_s, answer.wait_s))
            pause_s = min(LONGEST_WAIT_S, pause_s * 2)
        return None

    def _halves(self, request: Request) -> tuple[int, int] | None:
        sent = refused = 0
        for half in halves_of(request):
            done = self._surely(half)
            if done is None:
                return None
            sent, refused = sent + done[0], refused + done[1]
        return sent, refused

    def _tell(self, sentence: str) -> None:
        logger.warning("nothing can be forwarded now; trying again", extra={"reason": sentence})
        try:
            self._ask("forward_fail", {"trouble": sentence})
        except HouseError:
            logger.info("main is away; it is told when it is back")
