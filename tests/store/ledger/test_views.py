from __future__ import annotations

import pytest

from spans.errors import NotFoundError, RefusedError
from store.ledger import views


def save(ledger, name="Failures", owner="ann", **more):
    return ledger.views.save("p", "runs", name, "?status=error", owner=owner, **more)


def names(ledger, owner="ann", project="p", page="runs"):
    return [view.name for view in ledger.views.list(project, page, owner)]


def test_a_view_is_for_its_owner_unless_shared(ledger):
    save(ledger, "mine")
    save(ledger, "ours", owner="bob", shared=True)
    save(ledger, "his", owner="bob")
    assert names(ledger) == ["mine", "ours"]
    assert names(ledger, "bob") == ["his", "ours"]
    assert names(ledger, project="other") == names(ledger, page="workflows") == []


def test_the_same_name_replaces_the_filters(ledger):
    save(ledger)
    ledger.views.save("p", "runs", " Failures ", "status=ok", owner="ann")
    (view,) = ledger.views.list("p", "runs", "ann")
    assert (view.name, view.query) == ("Failures", "status=ok")


def test_only_ones_own_view_can_be_removed_unless_one_may_tidy_up(ledger):
    view = save(ledger, owner="bob", shared=True)
    private = save(ledger, "private", owner="bob")
    with pytest.raises(NotFoundError):
        ledger.views.remove("p", view.view_id, "ann")
    ledger.views.remove("p", view.view_id, "ann", anyones=True)
    with pytest.raises(NotFoundError):
        ledger.views.remove("p", private.view_id, "ann", anyones=True)
    with pytest.raises(NotFoundError):
        ledger.views.remove("other", private.view_id, "bob")
    ledger.views.remove("p", private.view_id, "bob")
    assert names(ledger, "bob") == []


@pytest.mark.parametrize(("name", "query"), [("", "a"), (" \n", "a"), ("x" * 81, "a"), ("x", "q" * 5000)])
def test_what_no_list_can_show_is_refused(ledger, name, query):
    with pytest.raises(RefusedError):
        ledger.views.save("p", "runs", name, query, owner="ann")


def test_a_page_has_only_so_many_views(ledger, monkeypatch):
    monkeypatch.setattr(views, "MAX_VIEWS", 2)
    save(ledger, "a")
    save(ledger, "b")
    save(ledger, "b")
    with pytest.raises(RefusedError, match="remove one"):
        save(ledger, "c")
