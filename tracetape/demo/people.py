"""The invented people of the demo; every name, address, card and account number is a documented test value."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Person:
    """A customer or colleague who does not exist."""

    name: str
    email: str
    phone: str
    card: str
    order: str
    item: str
    amount: float


CUSTOMERS = (
    Person(
        "Maria Lindqvist",
        "maria.lindqvist@example.com",
        "+1 212 555 0147",
        "4111 1111 1111 1111",
        "NW-10432",
        "desk lamp",
        49.9,
    ),
    Person(
        "Jonas Becker",
        "jonas.becker@example.org",
        "+49 30 5550 0119",
        "5555 5555 5555 4444",
        "NW-10518",
        "office chair",
        329.0,
    ),
    Person(
        "Aisha Rahman",
        "aisha.rahman@example.com",
        "+44 20 7946 0958",
        "3782 822463 10005",
        "NW-10566",
        "standing desk",
        749.0,
    ),
    Person(
        "Pedro Alvarez",
        "pedro.alvarez@example.net",
        "+1 415 555 0132",
        "6011 1111 1111 1117",
        "NW-10601",
        "monitor arm",
        89.0,
    ),
    Person(
        "Chloe Martin",
        "chloe.martin@example.org",
        "+33 1 99 00 12 34",
        "4012 8888 8888 1881",
        "NW-10644",
        "keyboard",
        129.0,
    ),
    Person(
        "Tom Okafor", "tom.okafor@example.com", "+1 646 555 0171", "5105 1051 0510 5100", "NW-10690", "bookshelf", 219.0
    ),
    Person(
        "Yuki Tanaka",
        "yuki.tanaka@example.net",
        "+1 206 555 0108",
        "3530 1113 3330 0000",
        "NW-10733",
        "floor mat",
        39.5,
    ),
    Person(
        "Elena Petrova",
        "elena.petrova@example.com",
        "+1 312 555 0164",
        "4111 1111 1111 1111",
        "NW-10781",
        "webcam",
        99.0,
    ),
    Person(
        "Samuel Wright",
        "samuel.wright@example.org",
        "+1 617 555 0125",
        "5555 5555 5555 4444",
        "NW-10802",
        "conference table",
        1249.0,
    ),
    Person(
        "Nora Haugen",
        "nora.haugen@example.net",
        "+1 503 555 0199",
        "6011 0009 9013 9424",
        "NW-10847",
        "filing cabinet",
        179.0,
    ),
)
"""Customers of an invented furniture shop."""

COLLEAGUES = ("u-ana", "u-bo", "u-carmen", "u-dev", "u-esra", "u-finn")
"""User ids of people who work at the shop."""
