"""What the pages ask of erasures: what would go, erase it, what an unfinished one waits for. Stays in the process of main."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence

from spans.erasure import ErasureOutlook, Waiting
from spans.errors import RefusedError
from store.ledger import Ledger
from store.ledger.erasures import Subject
from tracetape.erasing import Erasing

logger = logging.getLogger(__name__)


def _beside(work: Callable[[], None]) -> None:
    threading.Thread(target=work, name="hiding", daemon=True).start()


class ErasureDesk:
    """Implements `web.services.ErasureDesk`."""

    def __init__(self, erasing: Erasing, ledger: Ledger, start: Callable[[Callable[[], None]], None] = _beside) -> None:
        """Nothing is erased yet.

        Args:
            erasing: does the work.
            ledger: knows what is unfinished.
            start: runs something beside the answer.
        """
        self._erasing = erasing
        self._ledger = ledger
        self._start = start

    def preview(self, project: str, subject: str, targets: Sequence[str]) -> ErasureOutlook:
        """What would go.

        Raises:
            RefusedError: a target cannot stand for one person.
            NotFoundError: the project has no such run.
        """
        return self._erasing.preview(project, Subject(subject), *targets)

    def erase(self, project: str, subject: str, targets: Sequence[str], by: str, override: str = "") -> tuple[str, ...]:
        """Write the tombstones, and hide the rows beside the answer: a person with many runs would wait for minutes.

        Should main end before they are hidden, it goes on when it is back. Returns the ids of the erasures.

        Raises:
            RefusedError: a target cannot stand for one person, or a reason is needed and not given; nothing is erased then.
            NotFoundError: the project has no such run.
        """
        kind = Subject(subject)
        if self._erasing.preview(project, kind, *targets).needs_reason and not override.strip():
            raise RefusedError(
                "Some of these runs are kept for a dispute or as records. Give a reason; the access log will hold it."
            )
        begun = tuple(
            self._erasing.begin(project, kind, target, by=by, override=override).erasure_id for target in targets
        )
        self._start(lambda: self._hide(begun))
        return begun

    def waiting(self) -> Mapping[str, Waiting]:
        """Why each unfinished erasure is not finished, as of the last look."""
        return {name: self._erasing.waits_for(name) for name in self._ledger.erasures.unfinished()}

    def _hide(self, erasures: Sequence[str]) -> None:
        for name in erasures:
            try:
                self._erasing.hide(name)
            except Exception:  # the next round of main tries it again, however it failed
                logger.exception("an erasure could not be hidden yet", extra={"erasure": name})
