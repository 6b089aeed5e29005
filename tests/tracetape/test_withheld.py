"""The verb says how many originals are whole now, and is on record."""

from __future__ import annotations

from types import SimpleNamespace

from tracetape.settings import ServeSettings
from tracetape.withheld import retry_withheld


def test_it_tells_what_became_of_them_and_is_on_record():
    asked: list[str] = []
    logged: list[tuple[object, ...]] = []
    house = SimpleNamespace(
        settings=ServeSettings(),
        again=SimpleNamespace(retry=lambda fingerprint: asked.append(fingerprint) or (2, 1)),
        ledger=SimpleNamespace(audit=SimpleNamespace(append=lambda *words, **_more: logged.append(words))),
    )
    assert retry_withheld(house, {}) == {"redacted": 2, "left": 1}
    assert len(asked[0]) == 16
    assert logged == [("command line", "rule_change")]
