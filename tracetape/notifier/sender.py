"""The sender's loop: claim what is due, deliver it, say how it went; and tell the watchdog that evaluation goes on."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from insights.alerts.machine import Notice
from insights.alerts.message import Letter, Part, merged
from spans.errors import BusyError, HouseError, RefusedError
from store.ledger import Ledger
from store.ledger.channels import Channel
from store.ledger.outbox import Envelope
from tracetape.notifier.deliver import deliver, ping
from tracetape.settings import secret_of

logger = logging.getLogger(__name__)

PAUSE_S = 0.5
EVALUATED = "alerts_evaluated_ns"
TEST_SENTENCE = "This is a test message from tracetape. The channel works."


@dataclass(frozen=True, slots=True)
class SenderSettings:
    """What an operator decides about sending."""

    public_url: str
    group_s: int = 300
    heartbeat_url: str = ""


class Sender:
    """Delivers until told to stop. Several at once are safe: each message is claimed by one."""

    def __init__(
        self,
        ledger: Ledger,
        settings: SenderSettings,
        clock_ns: Callable[[], int],
        zone_of: Callable[[str, str], str] = lambda _project, _workflow: "UTC",
        deliver: Callable[[str, str, str, Letter], None] = deliver,
    ) -> None:
        self._ledger = ledger
        self._settings = settings
        self._clock_ns = clock_ns
        self._zone_of = zone_of
        self._deliver = deliver
        self._pinged_ns = 0
        self._stop = threading.Event()

    def run(self) -> None:
        """Go round until `stop`."""
        while not self._stop.wait(PAUSE_S):
            try:
                self.round()
            except BusyError as error:
                logger.warning("the ledger is busy; sending again in a moment", extra={"reason": str(error)})
            except Exception:
                logger.exception("a round of sending failed; the next one tries again")

    def stop(self) -> None:
        """End before the next round."""
        self._stop.set()

    def round(self) -> int:
        """Send what is due; returns how many letters arrived."""
        self._beat()
        return sum(
            self._send(envelope)
            for envelope in self._ledger.outbox.claim(self._clock_ns(), group_s=self._settings.group_s)
        )

    def _send(self, envelope: Envelope) -> bool:
        is_test = any(m.notice == "test" for m in envelope.messages)
        channel = self._ledger.channels.get(envelope.project, envelope.channel)
        if channel is None:
            self._ledger.outbox.failed(envelope.claim, f"There is no channel {envelope.channel!r} any more.")
            return False
        try:
            self._deliver(channel.kind, address_of(channel), channel.secret, self._letter(envelope))
        except HouseError as error:
            self._ledger.outbox.failed(envelope.claim, str(error))
            self._ledger.channels.note(envelope.project, envelope.channel, error=str(error))
            return False
        except Exception as error:  # a plugin of a service is not our code: whatever it raises, the message waits
            logger.exception("a channel failed in an unexpected way")
            said = f"The channel failed: {type(error).__name__}."
            self._ledger.outbox.failed(envelope.claim, said)
            self._ledger.channels.note(envelope.project, envelope.channel, error=said)
            return False
        self._ledger.outbox.sent(envelope.claim)
        self._ledger.channels.note(envelope.project, envelope.channel, is_test=is_test)
        return True

    def _letter(self, envelope: Envelope) -> Letter:
        ids = ",".join(str(m.message_id) for m in envelope.messages)
        parts = tuple(
            Part(
                m.fingerprint or f"test {m.message_id}",
                m.rule_id,
                Notice.FIRING if m.notice == "test" else Notice(m.notice),
                m.severity,
                m.sentence,
                m.time_ns,
            )
            for m in envelope.messages
        )
        return Letter(
            delivery_id=hashlib.sha256(f"{envelope.project} {envelope.channel} {ids}".encode()).hexdigest()[:32],
            project=envelope.project,
            workflow=envelope.workflow or "tracetape",
            environment=envelope.environment,
            incident_id=next((m.incident_id for m in reversed(envelope.messages) if m.incident_id), ""),
            public_url=self._settings.public_url,
            timezone=self._zone_of(envelope.project, envelope.workflow),
            parts=merged(parts),
        )

    def _beat(self) -> None:
        """A dead tracetape cannot report itself: somebody outside has to miss its pings."""
        if not self._settings.heartbeat_url:
            return
        evaluated = int(str(self._ledger.settings.get(EVALUATED, 0)))
        if evaluated > self._pinged_ns:
            self._pinged_ns = evaluated
            try:
                ping(self._settings.heartbeat_url)
            except HouseError as error:
                logger.warning("the heartbeat could not be sent", extra={"reason": str(error)})


def address_of(channel: Channel) -> str:
    """Where a channel really leads: itself, or what a variable or file holds.

    Raises:
        RefusedError: the variable or file is missing.
    """
    if not channel.address.startswith(("env:", "file:")):
        return channel.address
    address = secret_of(channel.address)
    if not address:
        raise RefusedError(f"{channel.address} holds no address; set it where tracetape is started, then restart it.")
    return address
