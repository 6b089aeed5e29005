"""Saved views: the filters of a page under a name, private or for everybody of a project."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from spans.errors import NotFoundError, RefusedError
from store.ledger.database import Database
from store.ledger.secrets import new_id
from store.ledger.tables import SAVED_VIEWS

MAX_NAME = 80
MAX_QUERY = 4_000
MAX_VIEWS = 200
"""Per project and page; a list longer than this helps nobody."""


@dataclass(frozen=True, slots=True)
class SavedView:
    """`query` is the query string of the page, without `?`, already redacted; `owner` saved it."""

    view_id: str
    project: str
    page: str
    name: str
    query: str
    owner: str
    shared: bool
    created_ns: int


class Views:
    """Every saved view."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, project: str, page: str, name: str, query: str, *, owner: str, shared: bool = False) -> SavedView:
        """Keep a view; one of the same owner and name on the same page is replaced.

        Raises:
            RefusedError: no name, a name or query that is too long, or too many views.
        """
        name = " ".join(name.split())
        if not name or len(name) > MAX_NAME:
            raise RefusedError(f"A view needs a name of 1 to {MAX_NAME} characters.")
        if len(query) > MAX_QUERY:
            raise RefusedError(f"The filters of a view may have {MAX_QUERY} characters; these have {len(query)}.")
        view = SavedView(new_id(), project, page, name, query.lstrip("?"), owner, shared, self._database.now_ns())
        own = (
            SAVED_VIEWS.c.project == project,
            SAVED_VIEWS.c.page == page,
            SAVED_VIEWS.c.name == name,
            SAVED_VIEWS.c.owner == owner,
        )
        here = (SAVED_VIEWS.c.project == project, SAVED_VIEWS.c.page == page)
        with self._database.writing() as connection:
            connection.execute(sa.delete(SAVED_VIEWS).where(*own))
            count = connection.execute(sa.select(sa.func.count()).select_from(SAVED_VIEWS).where(*here)).scalar_one()
            if count >= MAX_VIEWS:
                raise RefusedError(f"This page has {MAX_VIEWS} saved views; remove one first.")
            connection.execute(
                sa.insert(SAVED_VIEWS).values(
                    view_id=view.view_id,
                    project=project,
                    page=page,
                    name=name,
                    query=view.query,
                    owner=owner,
                    shared=int(shared),
                    created_ns=view.created_ns,
                ),
            )
        return view

    def list(self, project: str, page: str, owner: str) -> tuple[SavedView, ...]:
        """Views of a page that this person may use: their own and the shared ones, by name."""
        query = (
            SAVED_VIEWS.select()
            .where(
                SAVED_VIEWS.c.project == project,
                SAVED_VIEWS.c.page == page,
                sa.or_(SAVED_VIEWS.c.owner == owner, SAVED_VIEWS.c.shared == 1),
            )
            .order_by(sa.func.lower(SAVED_VIEWS.c.name), SAVED_VIEWS.c.view_id)
        )
        with self._database.reading() as connection:
            return tuple(_view(row) for row in connection.execute(query))

    def remove(self, project: str, view_id: str, owner: str, *, anyones: bool = False) -> None:
        """Forget a view of one's own; with `anyones` also a shared one of somebody else.

        Raises:
            NotFoundError: no such view, or not theirs to remove.
        """
        mine = SAVED_VIEWS.c.owner == owner
        allowed = sa.or_(mine, SAVED_VIEWS.c.shared == 1) if anyones else mine
        with self._database.writing() as connection:
            gone = connection.execute(
                sa.delete(SAVED_VIEWS).where(
                    SAVED_VIEWS.c.project == project, SAVED_VIEWS.c.view_id == view_id, allowed
                ),
            )
        if not gone.rowcount:
            raise NotFoundError("There is no such saved view, or it is somebody else's.")


def _view(row: Any) -> SavedView:
    return SavedView(
        row.view_id, row.project, row.page, row.name, row.query, row.owner, bool(row.shared), row.created_ns
    )
