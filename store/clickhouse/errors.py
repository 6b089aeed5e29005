"""Engine errors as house errors: would trying again help?"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from clickhouse_connect.driver.exceptions import ClickHouseError, OperationalError

from spans.errors import BusyError, TooHeavyError

logger = logging.getLogger(__name__)

_TIME = frozenset({159, 160})
_MEMORY = frozenset({241})
_BUSY = frozenset(
    {
        202,  # too many simultaneous queries
        209,  # socket timeout
        210,  # network error
        225,  # no keeper
        242,  # table is read only
        243,  # not enough space
        252,  # too many parts
        285,  # too few live replicas
        319,  # unknown status of insert
        394,  # query was cancelled
        439,  # cannot schedule a task
        999,  # keeper exception
    },
)
NARROWER = "Ask for a shorter range, or for one workflow or environment; for a text, a whole word is found fastest."
_NO_SPACE = ("No space left on device", "Cannot reserve")


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Turn errors that pass by waiting into `BusyError`; anything else is a bug and stays as it is.

    The engine's own text may quote values, so it never goes into our sentence.
    """
    try:
        yield
    except OperationalError as error:
        raise BusyError(f"{what}: the store cannot be reached now.") from error
    except ClickHouseError as error:
        code = getattr(error, "code", None)
        if code in _TIME:
            raise TooHeavyError(f"{what} took longer than its time limit and was stopped. {NARROWER}") from error
        if code in _MEMORY:
            raise TooHeavyError(f"{what} needed more memory than its limit and was stopped. {NARROWER}") from error
        if code in _BUSY or any(sign in str(error) for sign in _NO_SPACE):
            raise BusyError(f"{what}: the store is busy (ClickHouse code {code}).") from error
        logger.error("the engine refused", extra={"what": what, "code": code})  # noqa: TRY400 its text may quote values
        raise
    except OSError as error:
        raise BusyError(f"{what}: {error.strerror or 'the disk'} cannot be used now.") from error
