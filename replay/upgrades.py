"""Older recordings brought up to date: one function per version, each from n to n + 1, none ever removed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

from replay.canonical import CANONICALISER, Names, key_of
from replay.recording import VERSION, digests

File = MutableMapping[str, Any]


def upgraded(file: File, version: int) -> File:
    """A recording of `version` as this program writes it.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: the file does not hold what its version promises.
    """
    while version < VERSION:
        file = UPGRADES[version](file)
        version += 1
    return file


def _from_0(file: File) -> File:
    """Version 0 knew no branches and no keys: all of it is one line, and keys are made of what it holds."""
    exchanges = []
    for old in file["exchanges"]:
        kind, name = str(old["kind"]), str(old["name"])
        names = Names()
        asked = key_of(kind, name if kind == "tool" else "", old["asked"], near_ns=0, names=names)
        answered = key_of(kind, str(old["state"]), old["answered"], near_ns=0, names=names)
        exchanges.append(
            {
                **old,
                "branch": [],
                "ordinal": old["number"],
                "agent": None,
                "usage": None,
                "cost_usd": None,
                "k0": asked.exact,
                "k1": asked.shape,
                "answer_key": answered.shape,
                "holes": [[hole.kind.value, hole.value] for hole in asked.holes],
                "canonical": not asked.is_uncanonical,
            }
        )
    return {
        **file,
        "version": 1,
        "canonicaliser": CANONICALISER,
        "project": "",
        "workflow": "",
        "workflow_version": "",
        "started_at": exchanges[0]["started_at"] if exchanges else None,
        "exchanges": exchanges,
        **digests(exchanges),
    }


UPGRADES: Mapping[int, Callable[[File], File]] = {0: _from_0}
