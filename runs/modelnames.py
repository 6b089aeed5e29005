"""Model names without provider prefix, region and date, so that two reports of one call can be compared."""

from __future__ import annotations

import re
from functools import lru_cache

_DATE = re.compile(r"[-@](?:\d{4}-?\d{2}-?\d{2}|\d{8}|latest|v\d+(?::\d+)?)$")
_REGION = re.compile(r"^(?:us|eu|apac|global)\.")
_VENDOR = re.compile(r"^(?:anthropic|amazon|meta|mistral|cohere)\.")


@lru_cache(maxsize=4096)
def bare_model(name: str) -> str:
    """`us.anthropic.claude-sonnet-4-5-20250929-v1:0` → `claude-sonnet-4-5`."""
    found = _VENDOR.sub("", _REGION.sub("", name.lower().rpartition("/")[2]))
    while True:
        shorter = _DATE.sub("", found)
        if shorter == found:
            return found
        found = shorter
