"""The verb behind `tracetape withheld retry`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tracetape.house import House
from tracetape.redaction_rules import rules_in_force


def retry_withheld(house: House, _arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Try the sealed originals of withheld texts again, with today's rules and detectors."""
    house.ledger.audit.append(
        "command line", "rule_change", target="withheld texts", detail={"redaction": "tried again"}
    )
    done, left = house.again.retry(rules_in_force(house.settings).fingerprint)
    return {"redacted": done, "left": left}
