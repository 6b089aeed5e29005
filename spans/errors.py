"""The few errors of the house, told apart by one question: would trying again help?"""

from __future__ import annotations


class HouseError(Exception):
    """Base of every error we raise on purpose; its text is a sentence fit for a person."""


class RefusedError(HouseError):
    """Permanent: the same input will fail the same way (400 / INVALID_ARGUMENT)."""


class TooLargeError(RefusedError):
    """Permanent: the input exceeds a limit (413 / RESOURCE_EXHAUSTED without a retry hint)."""


class BusyError(HouseError):
    """Transient: come back in one or two seconds (503 / UNAVAILABLE)."""


class TooHeavyError(BusyError):
    """More work than one question may be; asked for less it is answered (503 without a retry hint)."""


class NotFoundError(HouseError):
    """Nothing under that name, or nothing the caller may see."""


class SettingsError(HouseError):
    """The operator's configuration cannot be used; the message says what, where and what to do."""


class NewerSchemaError(SettingsError):
    """A newer program wrote what is stored: starting again helps nobody, so `serve` ends and says so."""
