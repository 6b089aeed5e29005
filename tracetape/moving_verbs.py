"""Verbs that move data: export, backup."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from spans.errors import SettingsError
from store.api import ExportQuery, ExportTable
from store.ledger.audit import AuditEntry
from tracetape import exporting
from tracetape.backing_up import back_up
from tracetape.control import Verb
from tracetape.house import House

ACTOR = "command line"
Choice = TypeVar("Choice", bound=StrEnum)


def export(house: House, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Write files into a folder of this machine."""
    project = str(arguments["project"])
    query = ExportQuery(project, arguments.get("since_ns"), arguments.get("until_ns"))
    kind = _one_of(exporting.ExportFormat, str(arguments["format"]), "format")
    tables = [_one_of(ExportTable, str(name), "table") for name in arguments["tables"]]
    detail = {"format": kind.value, "tables": ",".join(tables), "folder": str(arguments["folder"])}
    detail |= {name: str(at) for name, at in (("since_ns", query.since_ns), ("until_ns", query.until_ns)) if at}
    began = house.ledger.audit.append(ACTOR, "export", target="files", project=project, detail=detail)
    files = exporting.export(house.store, query, Path(str(arguments["folder"])), kind, tables)
    _written(house, began, sum(file.rows for file in files))
    return {"files": [asdict(file) for file in files]}


def backup(house: House, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Copy everything into a folder of this machine."""
    folder = Path(str(arguments["folder"]))
    began = house.ledger.audit.append(ACTOR, "export", target="backup", detail={"folder": str(folder)})
    manifest = back_up(house, folder)
    rows = sum(sum(days.values()) for days in manifest["rows"].values())
    _written(house, began, rows)
    return {"rows": rows, "files": len(manifest["files"]), "schema": manifest["schema"]}


def _written(house: House, began: AuditEntry, rows: int) -> None:
    """A second entry: how much it became is not known before, and the first one has to come before."""
    detail = {"entry": str(began.entry_id), "rows": str(rows)}
    house.ledger.audit.append(ACTOR, "export", target=f"{began.target} written", project=began.project, detail=detail)


def _one_of(kind: type[Choice], text: str, what: str) -> Choice:
    try:
        return kind(text)
    except ValueError:
        raise SettingsError(f"{text[:50]!r} is no {what} of an export; choose from {', '.join(kind)}.") from None


VERBS: Mapping[str, Verb] = {"export": export, "backup": backup}
