"""Channels: where messages go, whether a test arrived, and what did not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from store.ledger.channels import ChannelInfo
from store.ledger.outbox import Message

KINDS: tuple[tuple[str, str], ...] = (
    ("webhook", "signed webhook: https://…"),
    ("apprise", "apprise address: slack://…, mailto://…, pagerduty://…, and 170 more"),
)


@dataclass(frozen=True, slots=True)
class ChannelLine:
    """One channel."""

    info: ChannelInfo
    glyph: str
    state: str


@dataclass(frozen=True, slots=True)
class ChannelsPage:
    """The Channels page."""

    channels: tuple[ChannelLine, ...]
    dead: tuple[Message, ...]
    waiting: int
    kinds: tuple[tuple[str, str], ...]
    secret: str
    secret_of: str
    error: str
    is_demo: bool


def build_channels(
    channels: Sequence[ChannelInfo],
    messages: Sequence[Message],
    *,
    secret: str = "",
    secret_of: str = "",
    error: str = "",
    is_demo: bool = False,
) -> ChannelsPage:
    """Build the page; `secret` is a new webhook's, shown this once."""
    return ChannelsPage(
        channels=tuple(_line(info, messages) for info in channels),
        dead=tuple(m for m in messages if m.state == "dead"),
        waiting=sum(m.state in {"waiting", "sending"} for m in messages),
        kinds=KINDS,
        secret=secret,
        secret_of=secret_of,
        error=error,
        is_demo=is_demo,
    )


def _line(info: ChannelInfo, messages: Sequence[Message]) -> ChannelLine:
    testing = any(m.notice == "test" and m.channel == info.name and m.state in {"waiting", "sending"} for m in messages)
    if info.error:
        return ChannelLine(info, "error", info.error)
    if testing:
        return ChannelLine(info, "waiting", "a test message is on its way")
    if info.tested_ns or info.delivered_ns:
        return ChannelLine(info, "success", "works")
    return ChannelLine(info, "incomplete", "not tested yet")
