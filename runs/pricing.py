"""What a call costs: token classes priced one by one, with the price row named, from genai-prices or an override."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from genai_prices.data_snapshot import DataSnapshot, get_snapshot

from spans.prices import CLASSES, PriceRow
from spans.usage import Cost, CostLine, Usage

_MILLION = Decimal(1_000_000)
_CENTS = Decimal("0.000000000001")
_PROVIDERS: Mapping[str, str] = {
    "aws.bedrock": "aws",
    "azure.openai": "azure",
    "azure.inference": "azure",
    "google.gemini": "google",
    "google.vertex": "google",
    "xai": "x-ai",
}
"""Our provider names → those of genai-prices, where they differ."""

_FALLBACK: Mapping[str, str] = {
    "cache_read": "input",
    "cache_write": "input",
    "cache_write_1h": "cache_write",
    "input_audio": "input",
    "output_audio": "output",
}
"""Where a price list has no price of its own for a class, the class costs what this one costs."""
_ATTRIBUTES: Mapping[str, str] = {
    "input": "input_mtok",
    "cache_read": "cache_read_mtok",
    "cache_write": "cache_write_mtok",
    "cache_write_1h": "cache_write_1h_mtok",
    "input_audio": "input_audio_mtok",
    "output": "output_mtok",
    "output_audio": "output_audio_mtok",
}

_MAKERS = (("text-embedding-", "openai"), ("whisper", "openai"), ("tts-", "openai"))
"""Names that only one maker uses, for spans that carry no provider."""


class PriceBook:
    """Prices of models. The same question always gets the same answer; look-ups are remembered per model.

    Args:
        overrides: Rows that go before the bundled list; of several that match, the latest `from_ns` wins.
        snapshot: Another price list than the bundled one, for tests.
    """

    def __init__(self, overrides: Iterable[PriceRow] = (), *, snapshot: DataSnapshot | None = None) -> None:
        self._overrides = tuple(sorted(overrides, key=lambda row: (row.from_ns, row.name), reverse=True))
        self._snapshot = snapshot if snapshot is not None else get_snapshot()
        self._known: dict[tuple[str, str], Any] = {}

    def price(self, usage: Usage, *, provider: str, models: Iterable[str], at_ns: int) -> Cost | None:
        """The cost of one call, or None when no price is known. Never zero for want of a price.

        Args:
            usage: Inclusive token counts.
            provider: Our provider name, or "".
            models: Names to try in order, normally the response model and then the request model. An override for any of
                them goes before the list: the answer may name a listed model and the request a deployment of one's own.
            at_ns: When the price has to be valid, Unix nanoseconds.
        """
        tokens = split(usage)
        names = [model for model in models if model]
        for model in names:
            for row in self._overrides:
                if row.covers(provider, model, at_ns):
                    return _cost(tokens, dict(row.prices), f"override:{row.name}")
        for model in names:
            found = self._find(provider, model)
            if found is not None:
                owner, info = found
                listed = info.get_prices(datetime.fromtimestamp(at_ns / 1e9, tz=UTC))
                prices = _listed(listed, usage.input or 0)
                if prices:
                    return _cost(tokens, prices, f"{owner.id}/{info.id}")
        return None

    def _find(self, provider: str, model: str) -> Any:
        key = (provider, model)
        if key not in self._known:
            if len(self._known) > 10_000:
                self._known.clear()
            self._known[key] = self._look_up(provider, model)
        return self._known[key]

    def _look_up(self, provider: str, model: str) -> Any:
        """By provider and model, by model alone, and by what follows a `provider/` prefix."""
        listed = _PROVIDERS.get(provider, provider)
        bare = model.rpartition("/")[2]
        maker = next((known for start, known in _MAKERS if bare.startswith(start)), None)
        for owner, name in (
            (listed or maker, model),
            (listed or maker, bare),
            (None, model),
            (None, bare),
            (maker, bare),
        ):
            try:
                return self._snapshot.find_provider_model(name, None, owner, None)
            except LookupError:
                continue
        return None


def split(usage: Usage) -> dict[str, int]:
    """Inclusive counts as classes that do not overlap; never negative."""
    read, write = usage.cache_read or 0, usage.cache_write or 0
    hour = min(usage.cache_write_1h or 0, write)
    audio = usage.input_audio or 0
    spoken = usage.output_audio or 0
    return {
        "input": max(0, (usage.input or 0) - read - write - audio),
        "cache_read": read,
        "cache_write": write - hour,
        "cache_write_1h": hour,
        "input_audio": audio,
        "output": max(0, (usage.output or 0) - spoken),
        "output_audio": spoken,
    }


def _listed(prices: Any, input_tokens: int) -> dict[str, Decimal]:
    """Prices per million of one list entry, with the tier that this many input tokens reach."""
    found: dict[str, Decimal] = {}
    for name, attribute in _ATTRIBUTES.items():
        value = getattr(prices, attribute, None)
        if value is None:
            continue
        if not isinstance(value, Decimal):
            tier = next((tier for tier in reversed(value.tiers) if input_tokens > tier.start), None)
            value = tier.price if tier is not None else value.base
        found[name] = value
    return found


def _cost(tokens: Mapping[str, int], prices: Mapping[str, Decimal], name: str) -> Cost | None:
    lines = []
    for token_class in CLASSES:
        count = tokens[token_class]
        if not count:
            continue
        price = _price_of(token_class, prices)
        if price is None:
            return None
        lines.append(CostLine(token_class, count, price, (price * count / _MILLION).quantize(_CENTS).normalize()))
    usd = sum((line.usd for line in lines), Decimal(0))
    return Cost(usd=usd, source="computed", price=name, lines=tuple(lines))


def _price_of(token_class: str, prices: Mapping[str, Decimal]) -> Decimal | None:
    seen = token_class
    while seen:
        if seen in prices:
            return prices[seen]
        seen = _FALLBACK.get(seen, "")
    return None
