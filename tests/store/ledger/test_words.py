from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import sqlalchemy as sa

from store.ledger.ledger import Ledger
from store.ledger.tables import METADATA
from store.ledger.words import NOT_SEARCHED, SEARCHED


def flat(columns: Mapping[str, tuple[str, ...]]) -> list[str]:
    return [f"{table}.{column}" for table, names in columns.items() for column in names]


def test_every_text_column_is_searched_by_an_erasure_or_says_why_not():
    assert Ledger, "its import brings every table"
    said = Counter(flat(SEARCHED))
    for columns in NOT_SEARCHED.values():
        said.update(flat(columns))
    texts = Counter(
        f"{table.name}.{column.name}"
        for table in METADATA.tables.values()
        for column in table.columns
        if isinstance(column.type, sa.Text)
    )
    assert said == texts, (sorted(texts - said), sorted(said - texts))


def test_every_reason_is_words_somebody_can_check():
    assert all(len(reason.split()) > 4 for reason in NOT_SEARCHED)
