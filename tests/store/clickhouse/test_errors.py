from __future__ import annotations

import errno

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError

from spans.errors import BusyError
from store.clickhouse.errors import translated


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (OperationalError("refused"), "cannot be reached"),
        (DatabaseError("x", code=159), "time limit"),
        (DatabaseError("x", code=241), "memory"),
        (DatabaseError("x", code=252), "busy"),
        (DatabaseError("write failed: No space left on device"), "busy"),
        (OSError(errno.ENOSPC, "No space left on device"), "No space left"),
    ],
)
def test_what_passes_by_waiting_is_busy(error, sentence):
    with pytest.raises(BusyError, match=sentence), translated("Reading"):
        raise error


def test_a_bug_of_ours_stays_what_it_is():
    with pytest.raises(DatabaseError), translated("Reading"):
        raise DatabaseError("syntax error", code=62)


def test_the_engines_words_stay_out_of_our_sentence():
    with pytest.raises(BusyError) as caught, translated("Reading"):
        raise DatabaseError("value 'secret'", code=241)
    assert "secret" not in str(caught.value)
