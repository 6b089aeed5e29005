from __future__ import annotations

from store.ledger.certificates import certificate
from store.ledger.erasures import Departure, Subject
from tests.builders import a_trace_id


def test_it_tells_what_went_when_and_what_had_left_and_holds_nothing_else(ledger, clock):
    left = Departure("export", 1, "ann", {"folder": "their-laptop"}, 12, certain=True)
    begun = ledger.erasures.begin(
        "p", Subject.PERSON, "<PERSON_abcdefgh>", [a_trace_id(1)], by="ann", left_before=[left]
    )
    told = certificate(begun)
    assert (told["traces"], told["hidden_at"], told["bytes_gone_at"]) == (1, None, None)
    clock.pass_s(5)
    ledger.erasures.hide(begun.erasure_id)
    clock.pass_s(60)
    ledger.erasures.add(begun.erasure_id, {"spans": 3, "notes": 2})
    told = certificate(ledger.erasures.finish(begun.erasure_id))
    assert (told["hidden_at"], told["bytes_gone_at"]) == ("2027-01-15T08:00:05+00:00", "2027-01-15T08:01:05+00:00")
    assert told["removed_rows"] == {"spans": 3}
    assert told["removed_elsewhere"] == {
        "sealed_originals": 0, "quarantined_items": 0, "arrived_later": 0, "notes": 2
    }  # fmt: skip
    assert told["left_before"][0]["detail"] == {"folder": "their-laptop"}
    assert not {"trace_ids", "name", "value"} & set(told)
