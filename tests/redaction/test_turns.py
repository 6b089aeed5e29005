"""Two threads and one language model: a person's text goes before what is left of a batch, and both read the same as alone."""

from __future__ import annotations

import contextlib
import threading
import time

from redaction.items import Item
from redaction.turns import Turns
from spans.fields import FieldClass

FIRST = ("Anneke", "Tobias", "Priya", "Kwame", "Lucía", "Emily", "Sung-min", "Giulia")
LAST = ("Achterberg", "Moreau", "Okafor", "Hicks", "van der Berg", "Park", "Ferrari", "Novak")


def texts(number, of):
    return [
        f"Ticket {n}: please ask {FIRST[n % 8]} {LAST[n // 8 % 8]} about the invoice of {of}." for n in range(number)
    ]


def test_whoever_goes_first_waits_for_one_turn_not_for_all():
    turns, done, begun = Turns(), [], threading.Event()

    def work():
        for n in range(50):
            with turns.taken(first=False):
                begun.set()
                time.sleep(0.002)
                done.append(n)

    busy = threading.Thread(target=work)
    busy.start()
    assert begun.wait(10)
    with turns.taken(first=True):
        done.append("a person")
    busy.join()
    assert done.index("a person") <= 2
    assert [one for one in done if one != "a person"] == list(range(50))


def test_a_turn_that_ends_in_an_error_is_over():
    turns = Turns()
    for first in (True, False):
        with contextlib.suppress(ZeroDivisionError), turns.taken(first=first):
            1 / 0  # noqa: B018 whatever happens inside
    with turns.taken(first=False):
        pass


def test_two_threads_with_one_model_read_what_each_reads_alone(redactor, forgetful):
    """Each of them has a redactor of its own; only the model is shared."""
    batch = [Item(text, "content", FieldClass.CONTENT, "") for text in texts(256, "May")]
    asked = texts(24, "a person")
    alone = [forgetful.redact([item], "p")[0] for item in batch]
    alone_asked = [forgetful.redact_text("p", text) for text in asked]
    assert all("Ticket" in text and "Achterberg" not in text for text in alone_asked)
    beside, got, stop = redactor.beside(), [], threading.Event()

    def work():
        while not stop.is_set():
            got.append(redactor.redact(batch, "p"))
            redactor.use_key(redactor._key_for, "")  # forgets, so that it is read again

    busy = threading.Thread(target=work)
    busy.start()
    try:
        assert [beside.redact_text("p", text) for text in asked] == alone_asked
    finally:
        stop.set()
        busy.join()
    assert got
    assert all(one == alone for one in got)
