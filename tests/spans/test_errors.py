"""Errors are told apart by one question: would trying again help?"""

from __future__ import annotations

import pytest

from spans import errors


def test_too_large_is_a_permanent_refusal():
    assert issubclass(errors.TooLargeError, errors.RefusedError)


def test_busy_is_not_a_refusal():
    assert not issubclass(errors.BusyError, errors.RefusedError)


@pytest.mark.parametrize(
    "kind", [errors.RefusedError, errors.BusyError, errors.NotFoundError, errors.SettingsError, errors.TooLargeError]
)
def test_every_error_of_the_house_is_caught_as_one(kind):
    with pytest.raises(errors.HouseError, match="a sentence"):
        raise kind("a sentence")
